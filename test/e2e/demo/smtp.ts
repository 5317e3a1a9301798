/** Logins and sends with Python's smtplib from inside the cluster's network. */
import { join } from 'node:path';
import type { Cluster } from '../../cluster/index.ts';

const script = join(import.meta.dirname, '../../support/python/login.py');

/** A published credentials Secret, decoded. */
export type Credentials = Record<string, string>;

export interface Attempt {
  credentials: Credentials;
  mode?: 'starttls' | 'tls';
  /** Another password than the Secret's. */
  password?: string;
  /** Pod address instead of the Service. */
  address?: string;
  send?: { from: string; to: string; subject: string };
}

export interface Reply {
  code: number;
  text: string;
}

/** The relay's last reply: 235 for a login, 250 for a send, else the refusal. */
export async function attempt(cluster: Cluster, options: Attempt): Promise<Reply> {
  const { credentials, mode = 'starttls' } = options;
  const isPod = options.address !== undefined;
  const port = mode === 'tls' ? (isPod ? 2465 : 465) : isPod ? 2587 : 587;
  const request = {
    host: options.address ?? credentials['host'],
    name: credentials['host'],
    port,
    mode,
    username: credentials['username'],
    password: options.password ?? credentials['password'],
    ca: credentials['ca.crt'],
    ...(options.send && { send: options.send }),
  };
  const done = await cluster.exec(['python3', script], {
    packages: ['python3'],
    input: JSON.stringify(request),
    timeoutMs: 30_000,
  });
  if (done.code !== 0)
    throw new Error(`smtplib could not ask the relay: ${done.stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(done.stdout) as Reply;
}

/** Read a credentials Secret; undefined while it is not there. */
export async function readCredentials(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Credentials | undefined> {
  const answer = await cluster.api.send<{ data?: Record<string, string> }>(
    'GET',
    `/api/v1/namespaces/${namespace}/secrets/${name}`,
  );
  if (answer.status !== 200 || !answer.body.data) return undefined;
  return Object.fromEntries(
    Object.entries(answer.body.data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}
