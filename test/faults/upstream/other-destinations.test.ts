/** RELIABILITY, Upstream: other destinations do not feel a tarpit; and one account's backlog does not delay another's mail. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { loopbackNetwork } from '../../integration/relay/support/smtp-sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';

const at = loopbackNetwork();

describe('a destination that hangs', () => {
  let dns: DnsServer;
  let tarpit: Hostile;
  let swift: Hostile;
  let relay: DeliveryUnderTest;

  beforeAll(async () => {
    dns = await startDnsServer({ zones: ['mail.test'] });
    tarpit = await startHostile({ MAIL: () => undefined }, { address: at(1), port: 25 });
    swift = await startHostile({}, { address: at(2), port: 25 });
    await dns.publish([
      { name: 'tarpit.mail.test', type: 'A', value: at(1) },
      { name: 'swift.mail.test', type: 'A', value: at(2) },
    ]);
  }, 300_000);

  beforeEach(async () => {
    swift.messages.length = 0;
    relay = await startDelivery(
      { settings: settingsFor({ mode: 'direct', allowPrivateAddresses: true }) },
      { dns: { servers: [dns.address] } },
    );
  });

  afterEach(() => relay.stop());
  afterAll(async () => {
    await tarpit.close();
    await swift.close();
    await dns.stop();
  });

  const to = (host: string) => ({ recipients: [`a@${host}.mail.test`] });

  it('is not felt by others, however much mail waits for it', async () => {
    for (let i = 0; i < 400; i++) await relay.submit(to('tarpit'));
    await waitFor(() => tarpit.openSessions > 0, { what: 'the tarpit to hold us' });
    const started = Date.now();
    const queueId = await relay.submit(to('swift'));
    await relay.untilStatus(queueId, 'delivered', 5_000);
    expect(Date.now() - started).toBeLessThan(2_000);
    expect(tarpit.openSessions).toBeLessThanOrEqual(5);
  });

  it('is not felt by the other recipients of the same message', async () => {
    const queueId = await relay.submit({ recipients: ['a@tarpit.mail.test', 'b@swift.mail.test'] });
    await waitFor(async () => (await relay.reports(queueId)).some(({ status }) => status === 'delivered'), {
      what: 'the swift recipient',
      timeoutMs: 5_000,
    });
  });

  it('leaves memory to others: what waits for it goes back to the store, and mail from there is sent', async () => {
    for (let i = 0; i < 260; i++) await relay.submit(to('tarpit'));
    const waiting = await relay.submit({ ...to('swift'), accountId: 'quiet', acceptedAt: Date.now() + 500 });
    await relay.untilStatus(waiting, 'delivered', 5_000);
    const isPutBack = async () => {
      const { items } = await relay.spool.reports({ limit: 1_000, status: 'deferred' });
      return items.filter(({ response }) => response?.includes('its mail waits')).length;
    };
    await waitFor(async () => (await isPutBack()) > 200, { what: 'mail to be put back', timeoutMs: 25_000 });
    const restored = await relay.submit(to('swift'));
    await relay.untilStatus(restored, 'delivered', 5_000);
  }, 40_000);

  it('lets a single mail of one account pass the backlog of another', async () => {
    const backlog = Array.from({ length: 3_000 }, () => relay.submit({ ...to('swift'), accountId: 'busy' }));
    await Promise.all(backlog);
    const before = (await relay.spool.stats()).queued;
    const single = await relay.submit({ ...to('swift'), accountId: 'quiet' });
    await relay.untilStatus(single, 'delivered', 20_000);
    const left = (await relay.spool.stats()).queued;
    expect(before).toBeGreaterThan(1_000);
    // A fair share passed meanwhile, not the backlog.
    expect(left).toBeGreaterThan(before / 2);
  }, 60_000);
});
