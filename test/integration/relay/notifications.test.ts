/** What senders are told (RFC 3461, RFC 3464), and who is not written to any more. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DsnRequest } from '../../../relay/spool/index.ts';
import { type DeliveryUnderTest, settingsFor, smarthost, startDelivery } from './support/delivery.ts';
import { type Sink, startSink } from './support/sink.ts';

const HOUR = 3_600_000;

describe('notifications', () => {
  let sink: Sink;
  let relay: DeliveryUnderTest;
  let envelope: string[] = [];

  beforeAll(async () => {
    sink = await startSink();
  });

  beforeEach(async () => {
    envelope = [];
    sink.received.length = 0;
    sink.script = {};
    relay = await startDelivery({ settings: settingsFor(smarthost(sink.port)) });
  });

  afterEach(() => relay.stop());
  afterAll(() => sink.close());

  const note = (line: string) => {
    envelope.push(line);
    return undefined;
  };
  const asking = (
    notify: DsnRequest['recipients'][string]['notify'],
    change: Partial<DsnRequest> = {},
  ): DsnRequest => ({
    ret: null,
    envid: null,
    recipients: { 'x@example.com': { notify, orcpt: 'rfc822;first@example.com' } },
    ...change,
  });
  const textOf = (index: number) => sink.received[index]?.data.toString() ?? '';

  it('passes RET, ENVID, NOTIFY and ORCPT on to a host that offers DSN, and leaves success to it', async () => {
    sink.script = { ehlo: ['DSN', '8BITMIME'], mail: note, rcpt: note };
    const recipients = ['x@example.com', 'y@example.com'];
    const queueId = await relay.submit({
      recipients,
      dsn: asking(['SUCCESS', 'FAILURE'], { ret: 'HDRS', envid: 'a=b' }),
    });
    await relay.untilStatus(queueId, 'delivered');
    expect(envelope.toSorted()).toEqual([
      'MAIL FROM:<hello@shop.example> RET=HDRS ENVID=a+3Db',
      'MAIL FROM:<hello@shop.example> RET=HDRS ENVID=a+3Db',
      'RCPT TO:<x@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@example.com',
      'RCPT TO:<y@example.com>',
    ]);
    expect((await relay.spool.stats()).queued).toBe(0);
    expect(sink.received).toHaveLength(2);
  });

  it('tells of the success itself where the next hop has no DSN', async () => {
    sink.script = { ehlo: ['8BITMIME'], rcpt: note };
    const queueId = await relay.submit({ dsn: asking(['SUCCESS'], { envid: 'order 17' }) });
    await sink.waitFor(2);
    expect(envelope[0]).toBe('RCPT TO:<x@example.com>');
    expect(sink.received[1]).toMatchObject({ from: '', recipients: ['hello@shop.example'] });
    const text = textOf(1);
    expect(text).toContain(
      'Original-Recipient: rfc822;first@example.com\r\nFinal-Recipient: rfc822; x@example.com\r\n' +
        'Action: relayed\r\nStatus: 2.0.0\r\n',
    );
    expect(text).toContain('Original-Envelope-Id: order 17\r\n');
    expect(text).toContain(`X-MigoSMTP-Queue-ID: ${queueId}\r\n`);
  });

  it('says nothing of a failure with NOTIFY=NEVER', async () => {
    sink.script = { rcpt: () => '550 5.2.2 full' };
    const queueId = await relay.submit({ dsn: asking(['NEVER']) });
    await relay.untilStatus(queueId, 'bounced');
    expect(await relay.spool.nextDue()).toBeNull();
  });

  it('brings all of the message back with RET=FULL, the header otherwise', async () => {
    sink.script = { rcpt: (line) => (line.includes('x@') ? '550 5.2.2 full' : undefined) };
    await relay.submit({ dsn: asking(null, { ret: 'FULL' }) });
    await sink.waitFor(1);
    expect(textOf(0)).toMatch(/message\/rfc822\r\n\r\nMessage-ID: [^]*\r\n\r\nHello\r\n/);
    await relay.submit();
    await sink.waitFor(2);
    expect(textOf(1)).toContain('text/rfc822-headers\r\n\r\nMessage-ID: ');
    expect(textOf(1)).not.toContain('Hello');
  });

  it('tells once that mail is delayed, and goes on trying', async () => {
    sink.script = { rcpt: (line) => (line.includes('x@') ? '451 4.7.1 greylisted' : undefined) };
    const fresh = await relay.submit();
    await relay.untilStatus(fresh, 'deferred');
    const queueId = await relay.submit({ acceptedAt: Date.now() - 4 * HOUR });
    await sink.waitFor(1);
    expect(sink.received[0]).toMatchObject({ from: '', recipients: ['hello@shop.example'] });
    expect(textOf(0)).toContain('Subject: Delayed mail');
    expect(textOf(0)).toMatch(/Action: delayed\r\nStatus: 4\.7\.1\r\n[^]*Will-Retry-Until: /);
    const attempts = async () => (await relay.reports(queueId))[0]?.attempts ?? 0;
    const before = await attempts();
    await relay.retry(queueId);
    await relay.untilAttempts(queueId, before + 1);
    sink.script = {};
    await relay.retry(queueId);
    await relay.untilStatus(queueId, 'delivered');
    expect(sink.received.map(({ from }) => from)).toEqual(['', 'hello@shop.example']);
  });

  it('drops the bounce of a bounce and counts it', async () => {
    sink.script = { rcpt: () => '550 5.1.1 nobody here' };
    await relay.submit();
    await relay.untilMetric('bounces_total{result="dropped"}', 1);
    expect(sink.received).toHaveLength(0);
    expect((await relay.spool.suppressions({ limit: 10 })).items).toMatchObject([
      { recipient: 'x@example.com' },
    ]);
  });

  it('suppresses a recipient that a host calls unknown, and tells senders without asking the host again', async () => {
    let asked = 0;
    sink.script = {
      rcpt: (line) => (line.includes('gone@') && ++asked > 0 ? '550 5.1.1 unknown' : undefined),
    };
    const recipients = ['Gone@example.com'];
    const first = await relay.submit({ recipients: ['gone@example.com'] });
    await relay.untilStatus(first, 'bounced');
    await sink.waitFor(1);
    expect((await relay.spool.suppressions({ limit: 10 })).items).toMatchObject([
      { namespace: 'shop', recipient: 'gone@example.com', reason: '550 5.1.1 unknown', queueId: first },
    ]);
    const second = await relay.submit({ recipients: [...recipients, 'here@example.com'] });
    await sink.waitFor(3);
    const states = (await relay.reports(second)).map(({ recipient, status }) => `${recipient} ${status}`);
    expect(states.toSorted()).toEqual(['Gone@example.com suppressed', 'here@example.com delivered']);
    const bounce = sink.received.findLast(({ from }) => from === '')?.data.toString() ?? '';
    expect(bounce).toContain(
      'Final-Recipient: rfc822; Gone@example.com\r\nAction: failed\r\nStatus: 5.1.0\r\n',
    );
    expect(bounce).toContain('suppression list: 550 5.1.1 unknown');
    expect(asked).toBe(1);
    const other = await relay.submit({ recipients, namespace: 'blog', accountId: 'other' });
    await relay.untilStatus(other, 'delivered');
    await relay.spool.unsuppress('shop', 'gone@example.com');
    const third = await relay.submit({ recipients: ['gone@example.com'] });
    await relay.untilStatus(third, 'bounced');
    expect(asked).toBe(2);
  });

  it.each(['550 5.7.1 policy', '552 5.2.2 full', '550 no such user', '550 5.1.2 no such host'])(
    'suppresses nobody for %j',
    async (reply) => {
      sink.script = { rcpt: (line) => (line.includes('x@') ? reply : undefined) };
      await relay.untilStatus(await relay.submit(), 'bounced');
      expect((await relay.spool.suppressions({ limit: 10 })).items).toEqual([]);
    },
  );
});
