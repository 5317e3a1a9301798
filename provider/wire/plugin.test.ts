/** The server side of the plugin protocol, over its real socket with a client of Node's own http2. */
import { afterEach, describe, expect, it } from '@jest/globals';
import * as http2 from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Provider } from '../core/index.ts';
import { createIdentity } from './certificate.ts';
import { isProtocolOffered, listen, type Listener } from './listen.ts';
import { createLog } from './log.ts';
import { servePlugin } from './plugin.ts';
import { integer, message, one, string } from './protobuf.ts';

const client = createIdentity(Date.now());
const provider: Provider<null> = {
  schema: { version: 0, description: '', attributes: {} },
  resources: {},
  dataSources: {},
  ephemeralResources: {},
  listResources: {},
  actions: {},
  functions: {
    fail: {
      summary: '',
      description: '',
      parameters: [],
      returns: 'string',
      call: () => {
        throw new Error('PLANTED');
      },
    },
  },
  configure: () => Promise.resolve({ client: null }),
};

let listener: Listener | undefined;
let session: http2.ClientHttp2Session | undefined;
afterEach(() => {
  session?.destroy();
  listener?.close();
});

async function start(options: { tls: boolean; presented?: typeof client }) {
  listener = await listen(options.tls ? { PLUGIN_CLIENT_CERT: client.certificatePem } : {});
  const calls = { shutdown: 0, disconnected: 0, logged: [] as string[] };
  const { socket, tls } = listener;
  const presented = options.presented ?? client;
  // The client is there first: its connection waits until the server is loaded.
  session = http2.connect('https://localhost', {
    createConnection: () =>
      tls
        ? connectTls({
            path: socket,
            servername: 'localhost',
            ca: tls.identity.certificatePem,
            cert: presented.certificatePem,
            key: presented.keyPem,
            ALPNProtocols: ['h2'],
          })
        : connect(socket),
  });
  session.on('error', () => undefined);
  servePlugin(listener, provider, {
    log: (_level, text) => calls.logged.push(text),
    onShutdown: () => (calls.shutdown += 1),
    onDisconnect: () => (calls.disconnected += 1),
  });
  return { calls, session, socket };
}

async function call(
  path: string,
  body: Uint8Array = new Uint8Array(),
): Promise<{ status: string; data: Buffer }> {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(body.length, 1);
  const stream = session?.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  if (!stream) throw new Error('no session');
  stream.end(Buffer.concat([header, body]));
  let status = '';
  stream.on('response', (headers) => (status ||= String(headers['grpc-status'] ?? '')));
  stream.on('trailers', (headers) => (status ||= String(headers['grpc-status'] ?? '')));
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status, data: Buffer.concat(chunks).subarray(5) };
}

describe.each([true, false])('a plugin, TLS %s', (tls) => {
  it('answers on a socket that only its user may open', async () => {
    const { socket } = await start({ tls });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const { status, data } = await call('/grpc.health.v1.Health/Check');
    expect([status, message({ status: one(1, integer) }).decode(data)]).toEqual(['0', { status: 1 }]);
  });

  it('tells an unknown method from a failing one, and quotes no error', async () => {
    await start({ tls });
    expect((await call('/tfplugin6.Provider/ReadStateBytes')).status).toBe('12');
    const request = message({ name: one(1, string) });
    expect((await call('/tfplugin6.Provider/CallFunction', request.encode({ name: 'none' }))).status).toBe(
      '3',
    );
    const failed = await call('/tfplugin6.Provider/CallFunction', request.encode({ name: 'fail' }));
    expect(failed.status).toBe('13');
    expect(failed.data.toString()).not.toContain('PLANTED');
  });

  it('hears of shutdown and of the client going', async () => {
    const { calls } = await start({ tls });
    expect((await call('/plugin.GRPCController/Shutdown')).status).toBe('0');
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls.shutdown).toBe(1);
    session?.close();
    await until(() => calls.disconnected === 1);
  });
});

describe('a client with another certificate', () => {
  it('is turned away', async () => {
    const { calls } = await start({ tls: true, presented: createIdentity(Date.now()) });
    await expect(call('/grpc.health.v1.Health/Check')).rejects.toThrow();
    expect(calls.logged).toContain('a client with a foreign certificate was turned away');
  });
});

describe('the handshake line', () => {
  it('has protocol, socket and the certificate without padding', async () => {
    listener = await listen({ PLUGIN_CLIENT_CERT: client.certificatePem });
    const fields = listener.handshake.split('|');
    expect(fields.slice(0, 5)).toEqual(['1', '6', 'unix', listener.socket, 'grpc']);
    expect(Buffer.from(fields[5] ?? '', 'base64')).toEqual(
      Buffer.from(listener.tls?.identity.certificateDer ?? []),
    );
    expect(fields[5]).not.toContain('=');
    const folder = dirname(listener.socket);
    listener.close();
    expect(existsSync(folder)).toBe(false);
    listener = undefined;
  });

  it('is for clients that speak protocol 6', () => {
    expect(isProtocolOffered({ PLUGIN_PROTOCOL_VERSIONS: '5,6' })).toBe(true);
    expect(isProtocolOffered({ PLUGIN_PROTOCOL_VERSIONS: '5' })).toBe(false);
  });
});

describe('log lines', () => {
  it('are hclog JSON with six fraction digits, at the wanted level', () => {
    const lines: string[] = [];
    const log = createLog({ TF_LOG: 'DEBUG' }, (line) => lines.push(line));
    log('trace', 'dropped');
    log('debug', 'kept', { status: 200 });
    expect(lines).toHaveLength(1);
    const entry = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(entry).toMatchObject({
      '@level': 'debug',
      '@message': 'kept',
      '@module': 'migosmtp',
      status: 200,
    });
    expect(entry['@timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });
});

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}
