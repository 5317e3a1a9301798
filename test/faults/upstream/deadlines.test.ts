/**
 * RELIABILITY, Upstream: tarpit, byte trickle, endless EHLO, silent greeting: an absolute deadline ends it. Deadlines are
 * those of the relay, shortened; what is shown is that they hold whatever the other side sends meanwhile.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { type Hostile, type HostileScript, startHostile } from '../../support/hostile-smtp.ts';

const DEADLINES = { connectMs: 500, setupMs: 800, sendMs: 800, minBytesPerSecond: 1_000_000, resetMs: 500 };

describe('a next hop that takes its time', () => {
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeEach(async () => {
    upstream = await startHostile();
    relay = await startDelivery(
      { settings: settingsFor(smarthost(upstream.port)) },
      { deadlines: DEADLINES },
    );
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });

  const hang = () => undefined;
  const cases: [string, HostileScript][] = [
    ['a silent greeting', { greeting: hang }],
    ['a greeting of one byte at a time', { greeting: (session) => session.trickle('2', 20) }],
    ['a greeting of endless lines', { greeting: (session) => session.trickle('220-more\r\n', 20) }],
    ['an endless EHLO', { EHLO: (session) => session.trickle('250-X-MORE\r\n', 20) }],
    ['a tarpit at MAIL', { MAIL: hang }],
    ['a trickle at RCPT', { RCPT: (session) => session.trickle('2', 20) }],
    ['endless lines at DATA', { DATA: (session) => session.trickle('354-wait\r\n', 20) }],
  ];
  it.each(cases)('%s is ended, the mail kept and delivered later once', async (_, script) => {
    upstream.script = script;
    const started = Date.now();
    const queueId = await relay.submit();
    await relay.untilStatus(queueId, 'deferred', 6_000);
    expect(Date.now() - started).toBeLessThan(5_000);
    await waitFor(() => upstream.openSessions === 0, {
      what: 'the connection to be closed',
      timeoutMs: 3_000,
    });
    upstream.script = {};
    await retryUntilDelivered(queueId);
    expect(upstream.messages).toHaveLength(1);
    expect(await relay.metric('delivery_unknown_outcomes_total')).toBe(0);
  });

  it.each<[string, HostileScript]>([
    ['a tarpit behind the final dot', { dot: hang }],
    ['a trickle behind the final dot', { dot: (session) => session.trickle('2', 20) }],
    ['a connection dropped behind the final dot', { dot: (session) => session.drop() }],
  ])('%s leaves the outcome unknown: retried with the same Message-ID, and counted', async (_, script) => {
    upstream.script = script;
    const queueId = await relay.submit();
    await relay.untilStatus(queueId, 'deferred', 6_000);
    expect(await relay.metric('delivery_unknown_outcomes_total')).toBe(1);
    upstream.script = {};
    await retryUntilDelivered(queueId);
    const ids = upstream.messages.map(({ data }) => /^Message-ID: (.*)$/m.exec(data)?.[1]?.trim());
    expect(ids).toEqual([`<${queueId}@shop.example>`, `<${queueId}@shop.example>`]);
  });

  it('is ended also while it takes a large message byte by byte', async () => {
    upstream.script = { DATA: (session) => (session.pause(), '354 slowly') };
    const text = `From: hello@shop.example\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(
      8_000_000,
      `${'y'.repeat(70)}\r\n`,
    );
    const queueId = await relay.submit({ text: `${text}\r\n` });
    const started = Date.now();
    await relay.untilStatus(queueId, 'deferred', 30_000);
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  async function retryUntilDelivered(queueId: string): Promise<void> {
    const isDelivered = async () => {
      await relay.retry(queueId);
      return (await relay.reports(queueId)).every(({ status }) => status === 'delivered');
    };
    await waitFor(isDelivered, { what: `${queueId} to be delivered` });
  }
});
