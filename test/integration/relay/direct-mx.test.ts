/** Direct delivery by MX, with a real DNS server and Postfix's smtp-sink on port 25 of several addresses. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { networkInterfaces } from 'node:os';
import { toWireAddress } from '../../../relay/policy/index.ts';
import { type DnsServer, startDnsServer, type ZoneRecord } from '../../support/dns-server.ts';
import { type DeliveryUnderTest, settingsFor, startDelivery } from './support/delivery.ts';
import { HOSTNAME } from './support/relay.ts';
import { loopbackNetwork, type SmtpSink, startSmtpSink } from './support/smtp-sink.ts';

const at = loopbackNetwork();
const SINKS = [1, 2, 3];
/** Nothing listens here. */
const CLOSED = at(9);

describe('direct delivery', () => {
  let dns: DnsServer;
  let sinks: SmtpSink[];
  let relay: DeliveryUnderTest;

  beforeAll(async () => {
    dns = await startDnsServer({ zones: ['mx.test', 'hosts.test', 'xn--bcher-kva.test'] });
    sinks = await Promise.all(SINKS.map((n) => startSmtpSink(at(n))));
    await dns.publish([
      ...SINKS.map((n) => address(`h${n}.hosts.test`, at(n))),
      address('closed.hosts.test', CLOSED),
      address('both.hosts.test', CLOSED),
      address('both.hosts.test', at(2)),
    ]);
  }, 300_000);

  beforeEach(async () => {
    relay = await startDelivery(
      { settings: settingsFor({ mode: 'direct', allowPrivateAddresses: true }) },
      { dns: { servers: [dns.address] } },
    );
  });

  afterEach(() => relay.stop());
  afterAll(async () => {
    await Promise.all(sinks.map((sink) => sink.stop()));
    await dns.stop();
  });

  function address(name: string, value: string): ZoneRecord {
    return { name, type: value.includes(':') ? 'AAAA' : 'A', value };
  }
  const mx = (name: string, ...values: string[]): Promise<void> =>
    dns.publish(values.map((value) => ({ name, type: 'MX', value })));
  async function deliver(recipient: string): Promise<string> {
    const [report] = await relay.untilStatus(await relay.submit({ recipients: [recipient] }), 'delivered');
    return report?.remoteHost ?? '';
  }
  async function refuse(recipient: string): Promise<string> {
    const [report] = await relay.untilStatus(await relay.submit({ recipients: [recipient] }), 'bounced');
    return report?.response ?? '';
  }

  it('sends to the host with the best preference', async () => {
    await mx('best.mx.test', '20 h2.hosts.test', '5 h1.hosts.test', '30 h3.hosts.test');
    expect(await deliver('a@best.mx.test')).toBe(`h1.hosts.test [${at(1)}]`);
    expect(await sinks[0]?.recipients()).toContain('a@best.mx.test');
  });

  it('goes on to the next host, and to the next address of a host, when one does not answer', async () => {
    await mx('fallback.mx.test', '5 closed.hosts.test', '10 nowhere.hosts.test', '20 h3.hosts.test');
    expect(await deliver('a@fallback.mx.test')).toBe(`h3.hosts.test [${at(3)}]`);
    await mx('addresses.mx.test', '5 both.hosts.test');
    expect(await deliver('a@addresses.mx.test')).toBe(`both.hosts.test [${at(2)}]`);
  });

  it('goes on to the next host when one answers the connection with 421 or 554', async () => {
    const [busy, closing] = await Promise.all([
      startSmtpSink(at(11), ['-q', 'CONNECT']),
      startSmtpSink(at(12), ['-R', 'CONNECT']),
    ]);
    await dns.publish([address('busy.hosts.test', at(11)), address('closing.hosts.test', at(12))]);
    await mx('busy.mx.test', '5 busy.hosts.test', '6 closing.hosts.test', '20 h1.hosts.test');
    expect(await deliver('a@busy.mx.test')).toBe(`h1.hosts.test [${at(1)}]`);
    await Promise.all([busy.stop(), closing.stop()]);
  });

  it('spreads over hosts of equal preference', async () => {
    await mx('equal.mx.test', '10 h1.hosts.test', '10 h2.hosts.test', '10 h3.hosts.test');
    const used = new Set<string>();
    for (let i = 0; i < 40 && used.size < 3; i++) used.add(await deliver(`r${i}@equal.mx.test`));
    expect(used.size).toBe(3);
  });

  it('takes a domain without MX for its own host', async () => {
    await dns.publish([address('own.mx.test', at(2))]);
    expect(await deliver('a@own.mx.test')).toBe(`own.mx.test [${at(2)}]`);
  });

  it('sends to an address literal', async () => {
    expect(await deliver(`a@[${at(3)}]`)).toContain(at(3));
  });

  it('sends to a domain beyond ASCII by its A-labels', async () => {
    await mx('xn--bcher-kva.test', '10 h1.hosts.test');
    const wire = toWireAddress('a@BÜCHER.test') ?? '';
    expect(await deliver(wire)).toBe(`h1.hosts.test [${at(1)}]`);
    expect(await sinks[0]?.recipients()).toContain('a@xn--bcher-kva.test');
  });

  it('bounces mail for a domain that takes none (RFC 7505), and suppresses the recipient', async () => {
    await mx('null.mx.test', '0 .');
    expect(await refuse('a@null.mx.test')).toMatch(/^556 5\.1\.10 /);
    expect((await relay.spool.suppressions({ limit: 10 })).items).toMatchObject([
      { recipient: 'a@null.mx.test' },
    ]);
  });

  it('bounces mail for a domain that does not exist, or has neither MX nor address', async () => {
    expect(await refuse('a@absent.mx.test')).toMatch(/^550 5\.1\.2 .*does not exist$/);
    await dns.publish([{ name: 'text.mx.test', type: 'TXT', value: 'no mail here' }]);
    expect(await refuse('a@text.mx.test')).toMatch(/^550 5\.1\.2 .*no mail host$/);
  });

  it('bounces mail that would come back to us, and passes over hosts behind ourselves', async () => {
    await mx('loop.mx.test', `10 ${HOSTNAME}`, '20 h1.hosts.test');
    expect(await refuse('a@loop.mx.test')).toMatch(/^554 5\.4\.6 /);
    await mx('secondary.mx.test', '5 h2.hosts.test', `10 ${HOSTNAME}`);
    expect(await deliver('a@secondary.mx.test')).toBe(`h2.hosts.test [${at(2)}]`);
  });

  it('does not connect to an address of this machine', async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    if (own === undefined) throw new Error('this machine has no address besides the loopback');
    await dns.publish([address('self.mx.test', own)]);
    expect(await refuse('a@self.mx.test')).toMatch(/^550 5\.4\.4 .*this machine/);
  });

  it('sends mail for several domains in transactions of their own', async () => {
    await mx('one.mx.test', '10 h1.hosts.test');
    await mx('two.mx.test', '10 h2.hosts.test');
    const queueId = await relay.submit({ recipients: ['a@one.mx.test', 'b@two.mx.test', 'c@one.mx.test'] });
    await relay.untilStatus(queueId, 'delivered');
    expect(await sinks[0]?.recipients()).toEqual(expect.arrayContaining(['a@one.mx.test', 'c@one.mx.test']));
    expect(await sinks[1]?.recipients()).toContain('b@two.mx.test');
    expect(await sinks[1]?.recipients()).not.toContain('a@one.mx.test');
  });
});
