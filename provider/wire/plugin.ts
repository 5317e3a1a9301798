import { timingSafeEqual, X509Certificate } from 'node:crypto';
import * as http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Engine, type Log, type Provider } from '../core/index.ts';
import { codePlaces } from './code-places.ts';
import { serveGrpc, type UnaryMethod } from './grpc.ts';
import type { Listener } from './listen.ts';
import { bool, integer, message, one } from './protobuf.ts';
import { providerService } from './rpc/index.ts';

const WINDOW_BYTES = 4 * 2 ** 20;
const SETTINGS = { settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 1000 } };
/** Node would close a session that is quiet for a while; here the client decides. */
const NO_TIMEOUT = 0;

export interface PluginOptions {
  readonly log: Log;
  /** Called when Terraform is done with the process, after the answer is out. */
  readonly onShutdown: () => void;
  /** Called when a client is gone and no other is there. */
  readonly onDisconnect: () => void;
}

/** Serves a provider to whoever connects to the listener with the right certificate. */
export function servePlugin<Client>(
  listener: Listener,
  provider: Provider<Client>,
  { log, onShutdown, onDisconnect }: PluginOptions,
): void {
  const server = listener.tls ? secureServer(listener.tls, log) : http2.createServer(SETTINGS);
  server.setTimeout(NO_TIMEOUT);
  server.on('sessionError', () => undefined);
  watchSessions(server, onDisconnect);
  const stopping = new AbortController();
  const engine = new Engine(provider) as unknown as Engine<unknown>;
  const service = providerService({ engine, log, stopped: stopping.signal }, () => stopping.abort());
  const unary = new Map([...service.unary, ...sideServices(onShutdown)]);
  const silentStreams = new Set(['/plugin.GRPCStdio/StreamStdio']);
  serveGrpc(server, { unary, streaming: service.streaming, silentStreams }, (cause) =>
    log('error', 'call failed', { places: codePlaces(cause) }),
  );
  listener.onConnection((connection) => server.emit('connection', connection));
}

/**
 * Mutual TLS with exactly one client: the one whose certificate came in the environment. Comparing it byte by
 * byte is stricter than a chain check, and an empty root list spares parsing Node's built-in ones.
 */
function secureServer(
  { identity, clientCertificate }: NonNullable<Listener['tls']>,
  log: Log,
): http2.Http2SecureServer {
  const expected = new X509Certificate(clientCertificate).raw;
  const server = http2.createSecureServer({
    ...SETTINGS,
    key: identity.keyPem,
    cert: identity.certificatePem,
    ca: [],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  });
  server.on('session', (session) => {
    const peer = (session.socket as TLSSocket).getPeerCertificate().raw as Buffer | undefined;
    if (peer?.length === expected.length && timingSafeEqual(peer, expected)) return;
    log('error', 'a client with a foreign certificate was turned away');
    session.destroy();
  });
  return server;
}

function watchSessions(server: http2.Http2Server | http2.Http2SecureServer, onDisconnect: () => void): void {
  let open = 0;
  server.on('session', (session: http2.ServerHttp2Session) => {
    open += 1;
    session.on('error', () => session.destroy());
    session.once('close', () => {
      open -= 1;
      if (open === 0) onDisconnect();
    });
  });
}

const healthResponse = message({ status: one(1, integer) });
const empty = message({ unused: one(1, bool) });
const SERVING = 1;

/** What HashiCorp's plugin library wants besides the provider itself. */
function sideServices(shutdown: () => void): [string, UnaryMethod][] {
  return [
    ['/grpc.health.v1.Health/Check', () => healthResponse.encode({ status: SERVING })],
    [
      '/plugin.GRPCController/Shutdown',
      () => {
        // The answer must be out first, else Terraform waits two seconds before it kills.
        setImmediate(shutdown);
        return empty.encode({});
      },
    ],
  ];
}
