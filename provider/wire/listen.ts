import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdentity, type ServerIdentity } from './certificate.ts';

const MAGIC_COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';
const PROTOCOL_VERSION = 6;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A socket that Terraform may already connect to, while what serves it is still being loaded. */
export interface Listener {
  readonly socket: string;
  /** The line that Terraform waits for on standard output. */
  readonly handshake: string;
  /** Undefined where the client asked for no TLS: when attached to by hand. */
  readonly tls: { readonly identity: ServerIdentity; readonly clientCertificate: string } | undefined;
  /** Hands over connections, those that have come already and those to come. */
  onConnection(take: (connection: Socket) => void): void;
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

/**
 * Listens on a unix socket that only this user may open. Loads no more than that needs: Node's http2 and tls
 * take as long as its own start, and load while Terraform is busy with the handshake line.
 */
export async function listen(environment: Environment): Promise<Listener> {
  const clientCertificate = environment['PLUGIN_CLIENT_CERT'];
  const tls = clientCertificate ? { identity: createIdentity(Date.now()), clientCertificate } : undefined;
  const waiting: Socket[] = [];
  const server = createServer((connection) => waiting.push(connection));
  const folder = mkdtempSync(join(environment['PLUGIN_UNIX_SOCKET_DIR'] || tmpdir(), 'migosmtp-'));
  const socket = join(folder, 'plugin.sock');
  await bind(server, socket);
  const certificate = Buffer.from(tls?.identity.certificateDer ?? []).toString('base64');
  return {
    socket,
    handshake: ['1', PROTOCOL_VERSION, 'unix', socket, 'grpc', certificate.replace(/=+$/, '')].join('|'),
    tls,
    onConnection: (take) => {
      server.removeAllListeners('connection').on('connection', take);
      waiting.splice(0).forEach(take);
    },
    close: () => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function bind(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      resolve();
    });
  });
}
