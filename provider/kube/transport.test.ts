/** The ways to an API server: HTTP/2, HTTP/1.1, in clear, and each of them through a proxy that wants a login. */
import { afterEach, describe, expect, it } from '@jest/globals';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createIdentity } from '../wire/certificate.ts';
import { KubeClient } from './client.ts';
import type { Connection } from './settings.ts';

const PATH = { apiVersion: 'v1', plural: 'secrets', namespace: 'shop', name: 'it' };
const identity = createIdentity(Date.now());
const servers: Server[] = [];
const clients: KubeClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.close();
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
  }
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** Answers with the version of HTTP in which it was asked, and what it was told of the caller. */
const answer = (request: http.IncomingMessage | http2.Http2ServerRequest) =>
  JSON.stringify({
    metadata: { name: request.url, annotations: { version: request.httpVersion, ...told(request) } },
  });
const told = ({ headers }: { headers: http.IncomingHttpHeaders }) => ({
  authorization: headers.authorization ?? 'none',
});

const TLS = { key: identity.keyPem, cert: identity.certificatePem };
const WAYS = [
  {
    protocol: 'HTTP/2',
    version: '2.0',
    apiServer: () =>
      http2.createSecureServer(TLS, (request, response) => {
        response.end(answer(request));
      }),
  },
  {
    protocol: 'HTTP/1.1',
    version: '1.1',
    apiServer: () =>
      https.createServer(TLS, (request, response) => {
        response.end(answer(request));
      }),
  },
];

/** An HTTP proxy that knows CONNECT, and one login. */
function proxy(wants: string, connects: string[]): http.Server {
  const server = http.createServer();
  server.on('connect', (request, socket) => {
    connects.push(request.url ?? '');
    if (request.headers['proxy-authorization'] !== wants) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const port = Number(request.url?.split(':').pop());
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const side of [upstream, socket]) side.on('error', () => upstream.destroy());
  });
  return server;
}

function ask(connection: Omit<Connection, 'isInsecure'> & { isInsecure?: boolean }) {
  const token = connection.tokenFile === undefined ? { token: 'PLANTED-token' } : {};
  const client = new KubeClient({ isInsecure: false, ...token, ...connection }, () => undefined);
  clients.push(client);
  return client.get(PATH, AbortSignal.timeout(5000));
}

const trust = { ca: identity.certificatePem, serverName: 'localhost' };
const TOLD = { authorization: 'Bearer PLANTED-token' };
const LOGIN = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
describe.each(WAYS)('an API server with $protocol', ({ version, apiServer }) => {
  it('is asked directly', async () => {
    const port = await portOf(apiServer());
    const found = await ask({ server: `https://127.0.0.1:${port}/base`, ...trust });
    expect(found?.metadata).toMatchObject({
      name: '/base/api/v1/namespaces/shop/secrets/it',
      annotations: { version, ...TOLD },
    });
  });

  it('is asked through a proxy, which sees neither path nor token', async () => {
    const port = await portOf(apiServer());
    const connects: string[] = [];
    const proxyPort = await portOf(proxy(LOGIN, connects));
    const found = await ask({
      server: `https://127.0.0.1:${port}`,
      proxyUrl: `http://me:p%40ss@127.0.0.1:${proxyPort}`,
      ...trust,
    });
    expect(found?.metadata.annotations).toEqual({ version, ...TOLD });
    expect(new Set(connects)).toEqual(new Set([`127.0.0.1:${port}`]));
  });

  it('is asked with the token that a file holds at the time', async () => {
    const port = await portOf(apiServer());
    const tokenFile = join(mkdtempSync(join(tmpdir(), 'migosmtp-token-')), 'token');
    writeFileSync(tokenFile, 'PLANTED-token\n');
    const found = await ask({ server: `https://127.0.0.1:${port}`, ...trust, tokenFile });
    expect(found?.metadata.annotations).toEqual({ version, ...TOLD });
    rmSync(dirname(tokenFile), { recursive: true });
  });

  it('is taken for what it says it is where that is wanted', async () => {
    const port = await portOf(apiServer());
    const found = await ask({ server: `https://127.0.0.1:${port}`, isInsecure: true });
    expect(found?.metadata.annotations).toEqual({ version, ...TOLD });
  });

  it('that is not trusted is told so', async () => {
    const port = await portOf(apiServer());
    await expect(ask({ server: `https://127.0.0.1:${port}`, serverName: 'localhost' })).rejects.toThrow(
      /not trusted/,
    );
  });
});

it('a proxy that refuses is told with its status', async () => {
  const proxyPort = await portOf(proxy(LOGIN, []));
  const proxyUrl = `http://me:wrong@127.0.0.1:${proxyPort}`;
  await expect(ask({ server: 'https://127.0.0.1:1', proxyUrl, ...trust })).rejects.toThrow(
    'the proxy refused with status 407',
  );
});

it('a proxy that is not there is told by its own address', async () => {
  const proxyUrl = 'http://127.0.0.1:1';
  await expect(ask({ server: 'https://127.0.0.1:2', proxyUrl, ...trust })).rejects.toThrow(
    'the proxy 127.0.0.1:1: nothing listens there (ECONNREFUSED)',
  );
});

describe('what TLS would throw for', () => {
  const other = createIdentity(Date.now());
  const own = { clientCertificate: identity.certificatePem, clientKey: identity.keyPem };
  const unreadable = '-----BEGIN CERTIFICATE-----\nPLANTED\n-----END CERTIFICATE-----\n';
  it.each<[string, Partial<Connection>, string, string]>([
    ['an authority', { ca: unreadable }, 'cluster_ca_certificate', 'is not one in PEM form'],
    [
      'a certificate',
      { ...own, clientCertificate: unreadable },
      'client_certificate',
      'is not one in PEM form',
    ],
    ['a key', { ...own, clientKey: unreadable }, 'client_key', 'is not one in PEM form'],
    [
      'the key of another',
      { ...own, clientKey: other.keyPem },
      'client_key',
      'belongs to another certificate',
    ],
  ])('%s is told with its attribute, and without its text', async (_what, settings, attribute, words) => {
    const asked = ask({ server: 'https://127.0.0.1:1', ...trust, ...settings });
    const failure = await asked.then(
      () => new Error('it was taken'),
      (cause: unknown) => cause as Error,
    );
    expect(failure).toMatchObject({
      name: 'SettingsError',
      attribute,
      message: expect.stringContaining(words),
    });
    expect(failure.message).not.toContain('PLANTED');
  });
});

it('a proxy of another kind is refused before anything is sent', async () => {
  await expect(
    ask({ server: 'https://127.0.0.1:1', proxyUrl: 'socks5://127.0.0.1:1', ...trust }),
  ).rejects.toThrow('proxy_url must be the URL of an HTTP proxy');
});

it('a server in clear, such as kubectl proxy, is asked by HTTP/1.1', async () => {
  const server = http.createServer((request, response) => response.end(answer(request)));
  const found = await ask({ server: `http://127.0.0.1:${await portOf(server)}` });
  expect(found?.metadata.annotations).toEqual({ version: '1.1', ...TOLD });
});
