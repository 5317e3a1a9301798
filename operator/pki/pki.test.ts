import { createServer, connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  AUTHORITY_MS,
  authorityStep,
  BACKDATE_MS,
  CERTIFICATE_MS,
  certificateReason,
  PUBLISH_MS,
  type CertificateView,
} from './decide.ts';
import { viewCertificate } from './view.ts';
import { makeAuthority, signCertificate } from './x509.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const after = (ms: number): Date => new Date(NOW.getTime() + ms);

describe('authority', () => {
  const young = { notBefore: after(-BACKDATE_MS), notAfter: after(AUTHORITY_MS) };
  const old = { notBefore: after(-AUTHORITY_MS * 0.9), notAfter: after(AUTHORITY_MS * 0.1) };
  test.each([
    ['none is there: created', { current: undefined, next: undefined }, 'create'],
    ['it has ended: created', { current: { ...old, notAfter: after(-1) }, next: undefined }, 'create'],
    ['it is young: kept', { current: young, next: undefined }, 'keep'],
    ['it is old: the next one is published', { current: old, next: undefined }, 'publish-next'],
    ['the next one is published just now: kept', { current: old, next: young }, 'keep'],
    [
      'the next one was published long enough: it signs',
      { current: old, next: { ...young, notBefore: after(-PUBLISH_MS - BACKDATE_MS) } },
      'switch-to-next',
    ],
  ])('%s', (_, view, step) => {
    expect(authorityStep(view, NOW)).toBe(step);
  });
});

describe('certificate', () => {
  const good: CertificateView = {
    notBefore: after(-1000),
    notAfter: after(CERTIFICATE_MS),
    dnsNames: ['a', 'b'],
    isSignedByCurrent: true,
  };
  test.each([
    ['none is there', undefined, 'Missing'],
    ['another authority signed it', { ...good, isSignedByCurrent: false }, 'OtherAuthority'],
    ['a name is missing', { ...good, dnsNames: ['a'] }, 'OtherNames'],
    ['it has one name too many', { ...good, dnsNames: ['a', 'b', 'c'] }, 'OtherNames'],
    ['two thirds of its life are over', { ...good, notBefore: after(-2.1 * CERTIFICATE_MS) }, 'Due'],
    ['it is good', good, undefined],
  ])('%s', (_, view, reason) => {
    expect(certificateReason(view, ['b', 'a'], NOW)).toBe(reason);
  });
});

test('a certificate that was made is accepted by TLS for its name, with a client certificate, and for no other', async () => {
  const now = new Date();
  const notBefore = new Date(now.getTime() - BACKDATE_MS);
  const notAfter = new Date(now.getTime() + CERTIFICATE_MS);
  const authority = await makeAuthority('test CA', notBefore, notAfter);
  const order = { commonName: 'x', notBefore, notAfter };
  const server = await signCertificate(authority, { ...order, dnsNames: ['relay.test'], usage: 'server' });
  const client = await signCertificate(authority, { ...order, dnsNames: [], usage: 'client' });
  expect(viewCertificate(server.cert, authority.cert)).toMatchObject({
    dnsNames: ['relay.test'],
    isSignedByCurrent: true,
  });
  const listener = createServer({
    ...server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  listener.on('secureConnection', (socket) => socket.end('hello'));
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const port = (listener.address() as AddressInfo).port;
  const say = async (servername: string): Promise<string> => {
    const socket: TLSSocket = connect({ ...client, ca: authority.cert, port, host: '127.0.0.1', servername });
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return data.toString();
  };
  await expect(say('relay.test')).resolves.toBe('hello');
  await expect(say('other.test')).rejects.toThrow(/altnames/);
  listener.close();
});
