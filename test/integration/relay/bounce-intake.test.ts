/** Return paths and what comes back to them: the relay process, the real store, bounces over real SMTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { bounceReport as dsn, sendBounce, talkTo } from './support/bounce.ts';
import { Dialogue } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const KEY = Buffer.alloc(32, 5).toString('base64');
const bounces = { enabled: true, key: KEY };
const domain = { returnPath: 'bounces.shop.example' };

describe('bounces', () => {
  let sink: Sink;
  let relay: TestRelay;
  let sender: Dialogue;

  beforeAll(async () => {
    sink = await startSink();
    const options = { smarthostPort: sink.port, settings: { bounces } };
    const listen = { address: '127.0.0.1', starttls: 0, tls: 0, bounces: 0 };
    relay = await startRelay({ ...options, config: { listen } });
    await relay.push(...allShards(options, { revision: 2, domain }));
    sender = await Dialogue.loggedIn(relay);
  }, 60_000);

  beforeEach(() => {
    sink.received.length = 0;
    sink.script = {};
  });

  afterAll(async () => {
    sender.close();
    await relay.stop();
    await sink.close();
  });

  async function send(to: string): Promise<{ queueId: string; returnPath: string }> {
    const before = sink.received.length;
    const queueId = /queued as (\w+)$/.exec(await sender.send({ to: [to] }))?.[1] ?? '';
    await sink.waitFor(before + 1);
    await until(queueId, 'delivered');
    return { queueId, returnPath: sink.received[before]?.from ?? '' };
  }

  const report = async (queueId: string) =>
    (await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}`)).items[0];
  const until = (queueId: string, status: relayApi.DeliveryStatus) =>
    waitFor(async () => ((await report(queueId))?.status === status ? report(queueId) : undefined), {
      what: `${queueId} to be ${status}`,
    });
  const suppressed = async (recipient: string) =>
    (await relay.get<relayApi.SuppressionPage>(`/v1/suppressions?namespace=shop&recipient=${recipient}`))
      .items;

  const talk = (...lines: string[]) => talkTo(relay.ports.bounces ?? 0, ...lines);
  const bounce = (to: string, text: string, from = '') =>
    sendBounce(relay.ports.bounces ?? 0, { to, text, from });

  it('sends each recipient’s mail under a return path of its own, which fits SPF and DMARC of the domain', async () => {
    const before = sink.received.length;
    await sender.send({ to: ['one@example.com', 'two@example.com'] });
    const [one, two] = (await sink.waitFor(before + 2)).map(({ from }) => from);
    expect(one).toMatch(/^b\+[a-z0-9.]{20,62}@bounces\.shop\.example$/);
    expect(two).toMatch(/^b\+[a-z0-9.]{20,62}@bounces\.shop\.example$/);
    expect(one).not.toBe(two);
  });

  it('turns a delivery into a bounce, suppresses the recipient, and passes the report on to the sender', async () => {
    const { queueId, returnPath } = await send('gone@example.com');
    expect((await bounce(returnPath, dsn('5.1.1'))).at(-1)).toBe('250 2.0.0 Ok');
    expect(await until(queueId, 'bounced')).toMatchObject({ response: '550 5.1.1 user unknown' });
    expect(await suppressed('gone@example.com')).toMatchObject([
      { queueId, reason: '550 5.1.1 user unknown' },
    ]);
    await sink.waitFor(2);
    expect(sink.received[1]).toMatchObject({ from: '', recipients: ['hello@shop.example'] });
    const text = sink.received[1]?.data.toString() ?? '';
    expect(text).toMatch(/^Received: from mx\.example\.com \(\[127\.0\.0\.1\]\)\r\n\tby relay\.test /);
    expect(text).toContain(dsn('5.1.1'));
  });

  it('counts and passes on a report once, however often it comes', async () => {
    const { queueId, returnPath } = await send('twice@example.com');
    expect((await bounce(returnPath, dsn('5.2.2'))).at(-1)).toBe('250 2.0.0 Ok');
    await until(queueId, 'bounced');
    expect((await bounce(returnPath, dsn('5.1.1'))).at(-1)).toBe('250 2.0.0 Ok');
    expect(await report(queueId)).toMatchObject({ response: '550 5.2.2 user unknown' });
    expect(await suppressed('twice@example.com')).toEqual([]);
    await sink.waitFor(2);
    await send('last@example.com');
    expect(sink.received.filter(({ from }) => from === '')).toHaveLength(1);
  });

  it('passes delays on without touching the report', async () => {
    const { queueId, returnPath } = await send('slow@example.com');
    await bounce(returnPath, dsn('4.4.1', 'delayed'));
    await sink.waitFor(2);
    expect((await report(queueId))?.status).toBe('delivered');
  });

  it.each([
    ['mail from somebody', 'someone@example.com', (path: string) => path, '550 5.7.1 Only bounces'],
    ['a common address', '', () => 'postmaster@bounces.shop.example', '550 5.1.1 '],
    [
      'a forged return path',
      '',
      (path: string) => path.replace(/.(?=@)/, (c) => (c === '0' ? '1' : '0')),
      '550 5.1.1 ',
    ],
    ['a return path under another domain', '', (path: string) => path.replace('shop', 'blog'), '550 5.1.1 '],
    ['a recipient elsewhere', '', () => 'victim@example.com', '550 5.1.1 '],
  ])('refuses %s', async (_, from, change, refusal) => {
    const { returnPath } = await send('kept@example.com');
    const replies = await talk(`MAIL FROM:<${from}>`, `RCPT TO:<${change(returnPath)}>`, 'DATA');
    expect(replies.slice(1).find((reply) => reply.startsWith('5'))).toContain(refusal);
    expect(replies.at(-1)).toMatch(/^503 /);
  });

  it('takes one return path in a transaction, no login, and no more than a megabyte', async () => {
    const { returnPath } = await send('bounds@example.com');
    const two = await talk('MAIL FROM:<>', `RCPT TO:<${returnPath}>`, `RCPT TO:<${returnPath}>`);
    expect(two.at(-1)).toMatch(/^452 4\.5\.3 /);
    const login = await talk('AUTH PLAIN AHVzZXIAcGFzcw==');
    expect(login[0]).not.toContain('AUTH');
    expect(login.at(-1)).toMatch(/^5/);
    const line = `${'x'.repeat(900)}\r\n`;
    const large = await bounce(returnPath, `${dsn('5.1.1')}\r\n${line.repeat(1_200)}`);
    expect(large.at(-1)).toMatch(/^552 5\.3\.4 /);
    expect(await suppressed('bounds@example.com')).toEqual([]);
  });

  it('refuses what could be read in two ways', async () => {
    const { queueId, returnPath } = await send('smuggle@example.com');
    expect((await bounce(returnPath, `${dsn('5.1.1')}\nEvil: y`)).at(-1)).toMatch(/^554 5\.6\.0 /);
    expect((await report(queueId))?.status).toBe('delivered');
  });

  it('keeps the sender’s own address where DNS does not lead bounces here, and for mail of its own', async () => {
    const options = { smarthostPort: sink.port, settings: { bounces } };
    await relay.push(...allShards(options, { revision: 3 }));
    const { returnPath } = await send('plain@example.com');
    expect(returnPath).toBe('hello@shop.example');
    await relay.push(...allShards(options, { revision: 4, domain }));
  });
});
