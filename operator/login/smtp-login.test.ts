import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { SMTPServer } from 'smtp-server';
import { makeAuthority, signCertificate, type KeyPair } from '../pki/index.ts';
import { login, type LoginOutcome } from './smtp-login.ts';

const HOST = 'mail.example';
const GOOD = { username: 'user', password: 'right-password' };
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function certificate(): Promise<{ ca: string; pair: KeyPair }> {
  const now = Date.now();
  const span = [new Date(now - 60_000), new Date(now + 3_600_000)] as const;
  const authority = await makeAuthority('test', ...span);
  const order = { commonName: HOST, dnsNames: [HOST], notBefore: span[0], notAfter: span[1] };
  return { ca: authority.cert, pair: await signCertificate(authority, { ...order, usage: 'server' }) };
}

/** A server that knows GOOD, and says of each handshake whether it resumed a session. */
async function serve(pair: KeyPair): Promise<{ server: SMTPServer; port: number; resumed: boolean[] }> {
  const resumed: boolean[] = [];
  const server = new SMTPServer({
    ...pair,
    onSecure: (socket, _session, next) => {
      resumed.push((socket as TLSSocket).isSessionReused());
      next();
    },
    onAuth: ({ username, password }, _session, next) => {
      const isGood = username === GOOD.username && password === GOOD.password;
      next(isGood ? null : new Error('no'), isGood ? { user: username } : undefined);
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return { server, port: (server.server.address() as AddressInfo).port, resumed };
}

test('the second login of a moment resumes the session of the first, and still proves the password', async () => {
  const { ca, pair } = await certificate();
  const { port, resumed } = await serve(pair);
  const target = { address: '127.0.0.1', port, servername: HOST, ca };
  const outcomes: LoginOutcome['kind'][] = [];
  for (const password of [GOOD.password, GOOD.password, 'wrong-password']) {
    outcomes.push((await login(target, { ...GOOD, password })).kind);
  }
  expect(outcomes).toEqual(['accepted', 'accepted', 'refused']);
  expect(resumed).toEqual([false, true, true]);
});

test('a name that the certificate does not have is not accepted on the strength of another', async () => {
  const { ca, pair } = await certificate();
  const { port } = await serve(pair);
  const target = { address: '127.0.0.1', port, servername: HOST, ca };
  expect(await login(target, GOOD)).toEqual({ kind: 'accepted' });
  expect(await login({ ...target, servername: 'other.example' }, GOOD)).toMatchObject({
    kind: 'unavailable',
  });
  const stranger = (await certificate()).ca;
  expect(await login({ ...target, ca: stranger }, GOOD)).toMatchObject({ kind: 'unavailable' });
});

test('a certificate that was replaced is verified anew', async () => {
  const { ca, pair } = await certificate();
  const { server, port } = await serve(pair);
  const target = { address: '127.0.0.1', port, servername: HOST, ca };
  expect(await login(target, GOOD)).toEqual({ kind: 'accepted' });
  server.updateSecureContext({ ...(await certificate()).pair });
  expect(await login(target, GOOD)).toMatchObject({ kind: 'unavailable' });
});
