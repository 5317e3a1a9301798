/** MTA-STS (RFC 8461) with a real DNS server, a real HTTPS server on 443 and hosts that speak TLS on 25. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';
import { createPki } from './support/certificates.ts';
import { type DeliveryUnderTest, settingsFor, startDelivery } from './support/delivery.ts';
import { loopbackNetwork } from './support/smtp-sink.ts';

const at = loopbackNetwork();

describe('MTA-STS', () => {
  let folder: string;
  let dns: DnsServer;
  let web: Server;
  let trusted: Hostile;
  let untrusted: Hostile;
  let relay: DeliveryUnderTest;
  const policies = new Map<string, string>();
  const fetched: string[] = [];
  const roots = tls.getCACertificates('default');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mta-sts-'));
    const pki = await createPki(folder);
    const read = async (name: string, names: string[]) => {
      const { certFile, keyFile } = await pki.issue(name, names);
      return { cert: await readFile(certFile), key: await readFile(keyFile) };
    };
    tls.setDefaultCACertificates([...roots, await readFile(pki.caFile, 'utf8')]);
    dns = await startDnsServer({ zones: ['sts.test'] });
    trusted = await startHostile(
      { certificate: await read('mx', ['mx.sts.test']) },
      { address: at(1), port: 25 },
    );
    untrusted = await startHostile(
      { certificate: await read('bad', ['other.name']) },
      { address: at(2), port: 25 },
    );
    const names = ['enforce', 'testing', 'outside', 'moved'].map((name) => `mta-sts.${name}.sts.test`);
    web = createServer(await read('web', names), (request, response) => {
      const host = request.headers.host ?? '';
      fetched.push(host);
      if (host.startsWith('mta-sts.moved')) response.writeHead(302, { location: 'https://elsewhere/' }).end();
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(policies.get(host));
    });
    web.listen(443, at(3));
    await once(web, 'listening');
    await dns.publish([
      { name: 'mx.sts.test', type: 'A', value: at(1) },
      { name: 'bad.sts.test', type: 'A', value: at(2) },
    ]);
  }, 300_000);

  beforeEach(async () => {
    trusted.messages.length = 0;
    untrusted.messages.length = 0;
    fetched.length = 0;
    relay = await startDelivery(
      { settings: settingsFor({ mode: 'direct', allowPrivateAddresses: true }) },
      { dns: { servers: [dns.address] } },
    );
  });

  afterEach(() => relay.stop());
  afterAll(async () => {
    tls.setDefaultCACertificates(roots);
    web.close();
    await Promise.all([trusted.close(), untrusted.close(), dns.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function domain(name: string, mode: string, { mx, pattern }: { mx: string[]; pattern: string }) {
    const full = `${name}.sts.test`;
    policies.set(
      `mta-sts.${full}`,
      `version: STSv1\r\nmode: ${mode}\r\nmx: ${pattern}\r\nmax_age: 86400\r\n`,
    );
    await dns.publish([
      ...mx.map((value) => ({ name: full, type: 'MX', value })),
      { name: `mta-sts.${full}`, type: 'A', value: at(3) },
      { name: `_mta-sts.${full}`, type: 'TXT', value: `v=STSv1; id=${name}1;` },
    ]);
  }
  const send = (name: string) => relay.submit({ recipients: [`a@${name}.sts.test`] });

  it('passes over a host without the right certificate, and delivers to one that has it', async () => {
    await domain('enforce', 'enforce', { mx: ['5 bad.sts.test', '10 mx.sts.test'], pattern: '*.sts.test' });
    await relay.untilStatus(await send('enforce'), 'delivered');
    expect(trusted.messages).toMatchObject([{ secure: true }]);
    expect(untrusted.messages).toEqual([]);
    await relay.untilStatus(await send('enforce'), 'delivered');
    expect(fetched).toEqual(['mta-sts.enforce.sts.test']);
  });

  it('keeps mail rather than sending it unverified, or in plaintext when STARTTLS is stripped', async () => {
    await domain('enforce', 'enforce', { mx: ['5 bad.sts.test'], pattern: 'bad.sts.test' });
    const [report] = await relay.untilStatus(await send('enforce'), 'deferred');
    expect(report?.response).toMatch(/certificate|altnames/i);
    const { certificate } = untrusted.script;
    untrusted.script = {};
    await relay.untilStatus(await send('enforce'), 'deferred');
    untrusted.script = { ...(certificate && { certificate }) };
    expect(untrusted.messages).toEqual([]);
  });

  it('keeps mail for a domain whose hosts are not in its policy', async () => {
    await domain('outside', 'enforce', { mx: ['5 mx.sts.test'], pattern: 'mx.example.com' });
    const [report] = await relay.untilStatus(await send('outside'), 'deferred');
    expect(report?.response).toMatch(/^451 4\.7\.5 /);
    expect(trusted.messages).toEqual([]);
  });

  it.each(['testing', 'moved'])('delivers all the same without a policy to enforce: %s', async (name) => {
    await domain(name, 'testing', { mx: ['5 bad.sts.test'], pattern: 'mx.example.com' });
    await relay.untilStatus(await send(name), 'delivered');
    expect(untrusted.messages).toHaveLength(1);
    expect(fetched).toEqual([`mta-sts.${name}.sts.test`]);
  });
});
