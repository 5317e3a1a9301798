/** Test messages through the admin API: under the rules of their account, charged to it, followed in its reports. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { allShards, startRelay, testAccount, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

describe('test messages', () => {
  let sink: Sink;
  let relay: TestRelay;
  const { namespace, name: account } = testAccount();
  const good = { namespace, account, from: 'hello@shop.example', to: 'someone@example.com' };

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    const suspended = {
      ...testAccount(),
      id: 'other',
      name: 'other',
      username: 'smtpuser_f',
      suspended: true,
    };
    await relay.push(...allShards({ smarthostPort: sink.port }, { revision: 2, moreAccounts: [suspended] }));
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  const usage = async () =>
    (await relay.get<relayApi.UsageResponse>(`/v1/usage?account=${account}`)).accounts[0]?.month.used;

  it('are accepted, delivered, charged, and named in the reports', async () => {
    const before = await usage();
    const body = { ...good, subject: 'Grüße an alle, die schon lange auf diese Nachricht gewartet haben' };
    const answer = await relay.call('POST', '/v1/tests', body);
    expect(answer.status).toBe(200);
    const { queueId, messageId } = JSON.parse(answer.body) as relayApi.TestSendResponse;
    await sink.waitFor(1);
    const text = sink.received[0]?.data.toString() ?? '';
    expect(text).toContain(`Message-ID: ${messageId}\r\n`);
    const subject = /^Subject: (.*(?:\r\n .*)*)/m.exec(text)?.[1] ?? '';
    const words = [...subject.matchAll(/=\?utf-8\?B\?([^?]+)\?=/g)].map(([, word]) => word ?? '');
    expect(words.map((word) => Buffer.from(word, 'base64').toString()).join('')).toBe(body.subject);
    const report = await waitFor(
      async () => {
        const { items } = await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}`);
        return items.find(({ status }) => status === 'delivered');
      },
      { what: 'the report' },
    );
    expect(report).toMatchObject({ namespace, account, recipient: good.to, messageId });
    expect(await usage()).toBe((before ?? 0) + 1);
  });

  it.each([
    ['a domain that is not the account’s', { from: 'x@evil.example' }, 422, '550 5.7.1'],
    ['a recipient that is none', { to: 'a%b@example.com' }, 422, '501 5.1.3'],
    ['an account that is not there', { account: 'nobody' }, 404, 'no such account'],
    ['one that is suspended', { account: 'other' }, 409, 'suspended'],
    ['a line end in the subject', { subject: 'a\r\nBcc: x@example.com' }, 400, 'subject'],
    ['a line end in an address', { to: 'a@example.com\r\nBcc: x@example.com' }, 400, 'to'],
  ])('are refused for %s', async (_, change, status, message) => {
    const answer = await relay.call('POST', '/v1/tests', { ...good, ...change });
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(message);
    expect(sink.received).toHaveLength(1);
  });
});
