/**
 * Python's smtplib in the cluster's network, kept running: one request a line, one reply a line.
 * Role: the foreign client that apps are; passwords go over a pipe. Limits: one request at a time, in order.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cluster } from '../cluster/index.ts';

const script = join(import.meta.dirname, 'python/login.py');

/** A published credentials Secret, decoded. */
export type Credentials = Record<string, string>;

export interface Attempt {
  credentials: Credentials;
  mode?: 'starttls' | 'tls';
  /** Another password than the Secret's. */
  password?: string;
  /** Address of one pod, instead of the Service. */
  podAddress?: string;
  send?: { from: string; to: string; subject: string };
}

export interface Reply {
  code: number;
  text: string;
  /** When it came, in seconds since 1970. */
  at: number;
}

export class SmtpClient {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.#waiting.shift()?.(line));
    child.once('exit', () => {
      for (const answer of this.#waiting.splice(0)) answer('{"error": "the client has ended"}');
    });
  }

  /** The relay's last reply: 235 for a login, 250 for a send, else the refusal. Throws when there was none. */
  async attempt(options: Attempt): Promise<Reply> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`${JSON.stringify(requestOf(options))}\n`);
    });
    const reply = JSON.parse(line) as Reply | { error: string };
    if ('error' in reply) throw new Error(`no reply from the relay: ${reply.error}`);
    return reply;
  }

  stop(): void {
    this.#child.stdin?.end();
    this.#child.kill('SIGTERM');
  }
}

/** Start the client; short Service names are those of `namespace`. */
export async function startSmtpClient(cluster: Cluster, namespace: string): Promise<SmtpClient> {
  const child = await cluster.spawn(['/usr/bin/python3', script], {
    namespace,
    packages: ['python3'],
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return new SmtpClient(child);
}

function requestOf({ credentials, mode = 'starttls', password, podAddress, send }: Attempt): object {
  const servicePort = mode === 'tls' ? 465 : 587;
  return {
    host: podAddress ?? credentials['host'],
    name: credentials['host'],
    port: podAddress === undefined ? servicePort : servicePort + 2000,
    mode,
    username: credentials['username'],
    password: password ?? credentials['password'],
    ca: credentials['ca.crt'],
    ...(send && { send }),
  };
}

/** Read a credentials Secret; undefined while it is not there. */
export async function readCredentials(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Credentials | undefined> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const answer = await cluster.api.send<{ data?: Record<string, string> }>('GET', path);
  if (answer.status !== 200 || !answer.body.data) return undefined;
  return Object.fromEntries(
    Object.entries(answer.body.data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}
