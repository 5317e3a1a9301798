/** RELIABILITY, Upstream: STARTTLS stripped, expired or wrong certificate with TLS required: deferred, never plaintext. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createPki } from '../../integration/relay/support/certificates.ts';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { type Hostile, type HostileScript, startHostile } from '../../support/hostile-smtp.ts';

const run = promisify(execFile);

describe('TLS required', () => {
  let folder: string;
  let caPem: string;
  const certificates: Record<string, HostileScript['certificate']> = {};
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-required-'));
    const pki = await createPki(folder);
    caPem = await readFile(pki.caFile, 'utf8');
    const read = async ({ certFile, keyFile }: { certFile: string; keyFile: string }) => ({
      cert: await readFile(certFile),
      key: await readFile(keyFile),
    });
    certificates.right = await read(await pki.issue('right', ['localhost', '127.0.0.1']));
    certificates.otherName = await read(await pki.issue('other', ['mail.example.net']));
    certificates.expired = await expired();
    certificates.otherCa = await selfSigned();
  });

  beforeEach(async () => {
    upstream = await startHostile();
    const delivery = smarthost(upstream.port, { host: 'localhost', tls: 'Required', caPem });
    relay = await startDelivery({ settings: settingsFor(delivery) });
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function expired() {
    const at = (name: string) => join(folder, name);
    await run('openssl', [
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      at('x.key'),
      '-out',
      at('x.csr'),
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ]);
    await run('openssl', [
      'x509',
      '-req',
      '-in',
      at('x.csr'),
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-copy_extensions',
      'copy',
      '-not_before',
      '20200101000000Z',
      '-not_after',
      '20200201000000Z',
      '-out',
      at('x.pem'),
    ]).catch(() =>
      run('openssl', [
        'x509',
        '-req',
        '-in',
        at('x.csr'),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-copy_extensions',
        'copy',
        '-days',
        '-1',
        '-out',
        at('x.pem'),
      ]),
    );
    return { cert: await readFile(at('x.pem')), key: await readFile(at('x.key')) };
  }

  async function selfSigned() {
    const at = (name: string) => join(folder, name);
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      at('s.key'),
      '-out',
      at('s.pem'),
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ]);
    return { cert: await readFile(at('s.pem')), key: await readFile(at('s.key')) };
  }

  it('delivers under TLS with the right certificate', async () => {
    upstream.script = { certificate: certificates.right! };
    await relay.untilStatus(await relay.submit(), 'delivered');
    expect(upstream.messages).toMatchObject([{ secure: true }]);
  });

  it.each<[string, () => HostileScript]>([
    ['STARTTLS is not offered', () => ({})],
    ['STARTTLS is offered and refused', () => ({ extensions: ['STARTTLS'], STARTTLS: '454 4.7.0 not now' })],
    ['STARTTLS is offered and denied', () => ({ extensions: ['STARTTLS'], STARTTLS: '502 5.5.1 what' })],
    ['the certificate has expired', () => ({ certificate: certificates.expired! })],
    ['the certificate is for another name', () => ({ certificate: certificates.otherName! })],
    ['the certificate is of another authority', () => ({ certificate: certificates.otherCa! })],
    [
      'plaintext replies follow STARTTLS',
      () => ({
        certificate: certificates.right!,
        STARTTLS: (session) => (session.raw('220 go\r\n250 injected\r\n'), undefined),
      }),
    ],
  ])('keeps the mail and says nothing of it when %s', async (_, script) => {
    upstream.script = script();
    const queueId = await relay.submit();
    const [report] = await relay.untilStatus(queueId, 'deferred', 25_000);
    expect(report?.response).not.toBe('');
    expect(upstream.messages).toEqual([]);
    expect(upstream.commands.filter((line) => /^(MAIL|RCPT|AUTH|DATA)/i.test(line))).toEqual([]);
    expect(relay.log()).toContain('next hop refuses us');
    upstream.script = { certificate: certificates.right! };
    await relay.untilStatus(queueId, 'delivered', 20_000);
    expect(upstream.messages).toMatchObject([{ secure: true }]);
  });
});
