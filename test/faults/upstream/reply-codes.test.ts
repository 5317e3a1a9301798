/** RELIABILITY, Upstream: 4xx anywhere is deferred with jittered backoff; 5xx is one bounce. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { type Hostile, startHostile, USUAL } from '../../support/hostile-smtp.ts';

describe('upstream replies', () => {
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeEach(async () => {
    upstream = await startHostile();
    relay = await startDelivery({ settings: settingsFor(smarthost(upstream.port)) });
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });

  /** As often as it takes: a next hop that refused the connection is left alone for a while. */
  const retryUntilDelivered = (queueId: string) =>
    waitFor(
      async () => {
        await relay.retry(queueId);
        return (await relay.reports(queueId)).every(({ status }) => status === 'delivered');
      },
      { what: `${queueId} to be delivered` },
    );

  it.each([
    ['greeting', '421 4.3.2 busy'],
    ['EHLO', '421 4.3.2 busy'],
    ['MAIL', '451 4.3.0 no'],
    ['RCPT', '450 4.2.1 no'],
    ['DATA', '451 4.3.0 no'],
    ['dot', '452 4.3.1 full'],
  ] as const)('4xx to %s is deferred, and delivered later with the same Message-ID', async (stage, reply) => {
    upstream.script = { [stage]: reply };
    const queueId = await relay.submit();
    const [report] = await relay.untilStatus(queueId, 'deferred');
    expect(report?.response).toContain(reply);
    upstream.script = {};
    await retryUntilDelivered(queueId);
    const ids = upstream.messages.map(({ data }) => /^Message-ID: (.*)$/m.exec(data)?.[1]?.trim());
    expect(new Set(ids)).toEqual(new Set([`<${queueId}@shop.example>`]));
    expect(await relay.metric('bounces_total{result="sent"}')).toBe(0);
  });

  it.each([
    ['MAIL', '550 5.7.1 no'],
    ['RCPT', '550 5.2.1 no'],
    ['DATA', '554 5.6.0 no'],
    ['dot', '554 5.7.1 spam'],
  ] as const)('5xx to %s is one bounce, which arrives', async (stage, reply) => {
    let asked = 0;
    upstream.script = { [stage]: () => (asked++ === 0 ? reply : USUAL) };
    const queueId = await relay.submit();
    const [report] = await relay.untilStatus(queueId, 'bounced');
    expect(report).toMatchObject({ response: reply, attempts: 1 });
    const bounces = () =>
      upstream.messages.filter(
        ({ envelope, data }) => envelope[0]?.startsWith('MAIL FROM:<>') && data.includes(reply),
      );
    await waitFor(() => bounces().length > 0, { what: 'the bounce' });
    expect(bounces()).toHaveLength(1);
    expect(await relay.spool.nextDue()).toBeNull();
  });

  it('keeps the state of each recipient of a mixed reply', async () => {
    upstream.script = {
      RCPT: (_, line) => {
        if (line.includes('gone@')) return '550 5.1.1 no';
        return line.includes('busy@') ? '450 4.2.1 busy' : USUAL;
      },
    };
    const queueId = await relay.submit({ recipients: ['ok@x.example', 'busy@x.example', 'gone@x.example'] });
    const states = async () =>
      (await relay.reports(queueId)).map(({ recipient, status }) => `${recipient} ${status}`).toSorted();
    await waitFor(async () => (await states()).every((state) => !state.endsWith('queued')), {
      what: 'every recipient to be tried',
    });
    expect(await states()).toEqual([
      'busy@x.example deferred',
      'gone@x.example bounced',
      'ok@x.example delivered',
    ]);
  });

  it('spreads what failed together over time', async () => {
    upstream.script = { RCPT: '450 4.2.1 no' };
    const ids = await Promise.all(Array.from({ length: 20 }, () => relay.submit()));
    const now = Date.now();
    for (const id of ids) await relay.untilStatus(id, 'deferred');
    const dueBy = async (ms: number) => (await relay.spool.claim(now + ms, 100)).length;
    const early = await dueBy(30_000);
    const late = await dueBy(60_000);
    expect(early).toBeLessThan(20);
    expect(early + late).toBe(20);
    expect(late).toBeGreaterThan(0);
  });
});
