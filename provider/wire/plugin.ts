import { timingSafeEqual, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import * as http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Engine, type Log, type Provider } from '../core/index.ts';
import { createIdentity } from './certificate.ts';
import { serveGrpc, type UnaryMethod } from './grpc.ts';
import { bool, integer, message, one } from './protobuf.ts';
import { codePlaces, providerService } from './rpc/index.ts';

const MAGIC_COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';
const PROTOCOL_VERSION = 6;
const WINDOW_BYTES = 4 * 2 ** 20;
/** Node closes an http2 session that has been given no ping in a while; the client decides here. */
const NO_TIMEOUT = 0;

type Environment = Readonly<Record<string, string | undefined>>;

export interface PluginOptions {
  readonly environment: Environment;
  readonly log: Log;
  /** Called when Terraform is done with the process, after the answer is out. */
  readonly onShutdown: () => void;
}

export interface RunningPlugin {
  readonly socket: string;
  /** The line that Terraform waits for on standard output. */
  readonly handshake: string;
  /** Resolves once, when the last client is gone. */
  readonly disconnected: Promise<void>;
  close(): void;
}

/** Whether Terraform started this process, and not a person. */
export function isStartedByTerraform(environment: Environment): boolean {
  return environment['TF_PLUGIN_MAGIC_COOKIE'] === MAGIC_COOKIE;
}

/** Whether the client speaks protocol 6; it lists the versions that it knows. */
export function isProtocolOffered(environment: Environment): boolean {
  const offered = environment['PLUGIN_PROTOCOL_VERSIONS'];
  return offered === undefined || offered.split(',').includes(String(PROTOCOL_VERSION));
}

/** Serves a provider on a unix socket that only this user may open. */
export async function startPlugin<Client>(
  provider: Provider<Client>,
  options: PluginOptions,
): Promise<RunningPlugin> {
  const { environment, log } = options;
  const clientCertificate = environment['PLUGIN_CLIENT_CERT'];
  const identity = clientCertificate ? createIdentity(Date.now()) : undefined;
  const server =
    clientCertificate && identity
      ? secureServer(identity, clientCertificate, log)
      : http2.createServer(SETTINGS);
  const disconnected = watchSessions(server);
  const stopping = new AbortController();
  const context = {
    engine: new Engine(provider) as unknown as Engine<unknown>,
    log,
    stopped: stopping.signal,
  };
  const unary = new Map([
    ...providerService(context, () => stopping.abort()),
    ...sideServices(() => options.onShutdown()),
  ]);
  serveGrpc(server, { unary, silentStreams: new Set(['/plugin.GRPCStdio/StreamStdio']) }, (cause) =>
    log('error', 'call failed', { places: codePlaces(cause) }),
  );
  const folder = mkdtempSync(join(environment['PLUGIN_UNIX_SOCKET_DIR'] || tmpdir(), 'migosmtp-'));
  const socket = join(folder, 'plugin.sock');
  await listen(server, socket);
  const certificate = identity
    ? Buffer.from(identity.certificateDer).toString('base64').replace(/=+$/, '')
    : '';
  return {
    socket,
    handshake: ['1', PROTOCOL_VERSION, 'unix', socket, 'grpc', certificate].join('|'),
    disconnected,
    close: () => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const SETTINGS = { settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 1000 } };

/**
 * Mutual TLS with exactly one client: the one whose certificate came in the environment. Comparing it byte by
 * byte is stricter than a chain check, and an empty root list spares parsing Node's built-in ones.
 */
function secureServer(
  identity: ReturnType<typeof createIdentity>,
  clientCertificate: string,
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

function watchSessions(server: http2.Http2Server | http2.Http2SecureServer): Promise<void> {
  let open = 0;
  server.setTimeout(NO_TIMEOUT);
  server.on('sessionError', () => undefined);
  return new Promise((resolve) => {
    server.on('session', (session: http2.ServerHttp2Session) => {
      open += 1;
      session.on('error', () => session.destroy());
      session.once('close', () => {
        open -= 1;
        if (open === 0) resolve();
      });
    });
  });
}

function listen(server: http2.Http2Server | http2.Http2SecureServer, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      resolve();
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
