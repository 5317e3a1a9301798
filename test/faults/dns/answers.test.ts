/**
 * RELIABILITY, DNS, as the relay asks: SERVFAIL, timeout and REFUSED are no answers; CNAME, answers above 512 bytes over
 * TCP, trailing dot; addresses that are not public.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { loopbackNetwork } from '../../integration/relay/support/smtp-sink.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';

const at = loopbackNetwork();

describe('DNS of recipients', () => {
  let dns: DnsServer;
  let host: Hostile;
  let relay: DeliveryUnderTest;

  beforeAll(async () => {
    dns = await startDnsServer({
      zones: ['good.test', 'other.test'],
      brokenZones: ['broken.test'],
      largestUdpAnswer: 512,
    });
    host = await startHostile({}, { address: at(1), port: 25 });
    await dns.publish([{ name: 'host.good.test', type: 'A', value: at(1) }]);
  }, 300_000);

  beforeEach(() => start(true));
  afterEach(() => relay.stop());
  afterAll(async () => {
    await host.close();
    await dns.stop();
  });

  async function start(allowPrivateAddresses: boolean): Promise<void> {
    relay = await startDelivery(
      { settings: settingsFor({ mode: 'direct', allowPrivateAddresses }) },
      { dns: { servers: [dns.address], timeoutMs: 300 } },
    );
  }
  const mx = (name: string, ...values: string[]) =>
    dns.publish(values.map((value) => ({ name, type: 'MX', value })));
  const outcome = async (recipient: string, status: 'delivered' | 'deferred' | 'bounced') => {
    const [report] = await relay.untilStatus(await relay.submit({ recipients: [recipient] }), status);
    return report?.response ?? '';
  };

  it('keeps mail on SERVFAIL', async () => {
    expect(await outcome('a@broken.test', 'deferred')).toMatch(/^450 4\.4\.3 .*ESERVFAIL/);
  });

  it('keeps mail on REFUSED', async () => {
    expect(await outcome('a@elsewhere.example', 'deferred')).toMatch(/^450 4\.4\.3 .*EREFUSED/);
  });

  it('keeps mail while DNS is silent, and delivers once it answers', async () => {
    await mx('silent.good.test', '10 host.good.test');
    dns.pause();
    const queueId = await relay.submit({ recipients: ['a@silent.good.test'] });
    const [report] = await relay.untilStatus(queueId, 'deferred');
    expect(report?.response).toMatch(/^450 4\.4\.3 .*ETIMEOUT/);
    dns.resume();
    await relay.retry(queueId);
    await relay.untilStatus(queueId, 'delivered');
  });

  it('keeps mail when the MX is known and its address is not', async () => {
    await mx('half.good.test', '10 host.broken.test');
    expect(await outcome('a@half.good.test', 'deferred')).toContain('ESERVFAIL');
  });

  it('bounces on NXDOMAIN', async () => {
    expect(await outcome('a@nowhere.good.test', 'bounced')).toMatch(/^550 5\.1\.2 /);
  });

  it('takes null MX for what it says', async () => {
    await mx('null.good.test', '0 .');
    expect(await outcome('a@null.good.test', 'bounced')).toMatch(/^556 5\.1\.10 /);
  });

  it('follows aliases of the domain and of the host', async () => {
    await mx('real.other.test', '10 alias.other.test');
    await dns.publish([
      { name: 'alias.good.test', type: 'CNAME', value: 'real.other.test' },
      { name: 'alias.other.test', type: 'CNAME', value: 'host.good.test' },
    ]);
    await outcome('a@alias.good.test', 'delivered');
    await dns.publish([
      { name: 'round.good.test', type: 'CNAME', value: 'round.other.test' },
      { name: 'round.other.test', type: 'CNAME', value: 'round.good.test' },
    ]);
    await outcome('a@round.good.test', 'deferred');
  });

  it('reads answers that do not fit into UDP', async () => {
    const many = Array.from({ length: 40 }, (_, i) => `${100 + i} backup-host-number-${i}.other.test`);
    await mx('large.good.test', ...many, '10 host.good.test');
    await outcome('a@large.good.test', 'delivered');
  });

  it('asks absolute names, whatever search domains there are', async () => {
    await mx('dot.good.test', '10 host.good.test');
    await outcome('a@dot.good.test', 'delivered');
    expect(host.commands.at(-1)).not.toContain('good.test.');
    expect(await outcome('a@dot', 'deferred')).toMatch(/REFUSED/);
  });

  it('does not connect to loopback or private addresses unless that is allowed, not even by one of several', async () => {
    await relay.stop();
    await start(false);
    const connections = host.commands.length;
    for (const [name, address] of [
      ['loopback', at(1)],
      ['private', '10.1.2.3'],
      ['metadata', '169.254.169.254'],
      ['mapped', '::ffff:127.0.0.1'],
      ['unique', 'fd00::1'],
    ] as const) {
      const type = address.includes(':') ? 'AAAA' : 'A';
      await dns.publish([{ name: `${name}.good.test`, type, value: address }]);
      expect(await outcome(`a@${name}.good.test`, 'bounced')).toMatch(/^550 5\.4\.4 .*not a public address/);
    }
    expect(await outcome(`a@[${at(1)}]`, 'bounced')).toContain('not a public address');
    expect(host.commands).toHaveLength(connections);
  });
});
