/** RELIABILITY, Upstream: 535 from upstream: hold and alert, not a bounce storm. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';

describe('a next hop that refuses our login', () => {
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeEach(async () => {
    upstream = await startHostile({ extensions: ['AUTH PLAIN'], AUTH: '535 5.7.8 bad credentials' });
    relay = await startDelivery({ settings: settings('wrong-password') });
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });

  const settings = (password: string) =>
    settingsFor(smarthost(upstream.port, { username: 'relay', password }));

  it('holds every message, asks seldom, alerts, and sends all once the login is right', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => relay.submit()));
    const first = ids[0] ?? '';
    await waitFor(async () => (await relay.reports(first))[0]?.response?.includes('535'), {
      what: 'the refusal',
    });
    expect(await relay.metric('destinations_down')).toBe(1);
    expect(relay.log()).toContain('next hop refuses us');
    const attempts = upstream.commands.filter((line) => line.startsWith('AUTH')).length;
    // Those that were on their way when the first was refused; not one for each message.
    expect(attempts).toBeLessThanOrEqual(20);
    for (const id of ids) expect((await relay.reports(id))[0]?.status).toMatch(/^(queued|deferred)$/);
    expect(await relay.metric('bounces_total{result="sent"}')).toBe(0);
    upstream.script = { extensions: ['AUTH PLAIN'] };
    relay.configure({ settings: settings('right-password') });
    for (const id of ids) await relay.untilStatus(id, 'delivered');
    expect(upstream.messages).toHaveLength(50);
    expect(relay.log()).not.toContain('password');
    expect(relay.log()).not.toContain(Buffer.from('\0relay\0wrong-password').toString('base64'));
  });
});
