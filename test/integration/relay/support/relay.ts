/** The real relay process with a folder of its own, on free ports of the loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { relayApi } from '@migosmtp/operator/api';
import { stringify } from 'yaml';
import { createPki, type TestPki } from './certificates.ts';
import { waitFor } from './wait.ts';

export const HOSTNAME = 'relay.test';
export const PASSWORD = 'correct-horse-battery-staple-01234';
export const USERNAME = 'smtpuser_a3b2f1c9';

export interface TestRelay {
  readonly folder: string;
  readonly pki: TestPki;
  readonly ports: { starttls: number; tls: number; bounces: number | null; admin: number; health: number };
  readonly pid: number;
  readonly log: () => string;
  push(...shards: relayApi.Shard[]): Promise<relayApi.PushResponse>;
  get<T>(path: string): Promise<T>;
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }>;
  readyz(): Promise<{ status: number; body: string }>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves when the process has ended, whoever ended it. */
  exited(): Promise<void>;
  /** A new process on the same folder and the same ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RelayOptions {
  readonly smarthostPort: number;
  readonly settings?: Partial<relayApi.RelaySettings>;
  readonly env?: Record<string, string>;
  readonly config?: Partial<relayApi.RelayProcessInput>;
  /** Do not push anything: the test does. */
  readonly bare?: boolean;
  readonly command?: readonly string[];
}

export async function startRelay(options: RelayOptions): Promise<TestRelay> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-test-'));
  const pki = await createPki(folder);
  const [tls, admin, client] = await Promise.all([
    pki.issue('relay', [HOSTNAME, 'localhost', '127.0.0.1']),
    pki.issue('admin', [relayApi.ADMIN_SERVER_NAME]),
    pki.issue('operator', ['operator']),
  ]);
  await mkdir(join(folder, 'mount'));
  const listen = { address: '127.0.0.1', starttls: 0, tls: 0 };
  const config: relayApi.RelayProcessInput = {
    listen,
    tls,
    admin: { ...admin, clientCaFile: pki.caFile, address: '127.0.0.1', port: 0 },
    health: { address: '127.0.0.1', port: 0 },
    storage: { kind: 'embedded', directory: join(folder, 'storage') },
    policy: { from: 'shards', directory: join(folder, 'mount') },
    graceSeconds: 5,
    ...options.config,
  };
  const file = join(folder, 'relay.yaml');
  let running = await launch(file, config, options);
  const certificate = {
    ca: await readFile(pki.caFile),
    cert: await readFile(client.certFile),
    key: await readFile(client.keyFile),
  };
  const relay: TestRelay = {
    folder,
    pki,
    get ports() {
      return running.ports;
    },
    get pid() {
      return running.child.pid ?? 0;
    },
    log: () => running.log(),
    async push(...shards) {
      const { status, body } = await relay.call('PUT', '/v1/shards', { shards });
      if (status !== 200) throw new Error(`push answered ${status}: ${body}`);
      return JSON.parse(body) as relayApi.PushResponse;
    },
    async get<T>(path: string) {
      const { status, body } = await relay.call('GET', path);
      if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${body}`);
      return JSON.parse(body) as T;
    },
    call: (method, path, body) =>
      callAdmin({ ...certificate, port: running.ports.admin, method, path }, body),
    async readyz() {
      const response = await fetch(`http://127.0.0.1:${running.ports.health}/readyz`);
      return { status: response.status, body: await response.text() };
    },
    async kill(signal) {
      const exited = once(running.child, 'exit');
      running.child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
    async exited() {
      const { child } = running;
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
    async restart() {
      if (running.child.exitCode === null && running.child.signalCode === null) await relay.kill('SIGTERM');
      running = await launch(file, fixPorts(config, running.ports), options);
    },
    async stop() {
      if (running.child.exitCode === null && running.child.signalCode === null) await relay.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (!options.bare) {
    await relay.push(...allShards(options));
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'the relay to be ready' });
  }
  return relay;
}

export async function launch(
  file: string,
  config: unknown,
  options: Pick<RelayOptions, 'env' | 'command'> = {},
) {
  await writeFile(file, stringify(config));
  const main = resolve(import.meta.dirname, '../../../../relay/main.ts');
  const [command, ...args] = [...(options.command ?? []), process.execPath, main, '--config', file];
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RELAY_LOG_LEVEL: 'debug', ...options.env },
  });
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const line = await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`relay exited with ${child.exitCode}: ${log}`);
      return log.split('\n').find((entry) => entry.includes('"relay started"'));
    },
    { what: 'the relay to start', timeoutMs: 20_000 },
  ).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const { ports, startMs } = JSON.parse(line) as { ports: TestRelay['ports']; startMs: number };
  return { child, ports, startMs, log: () => log };
}

function fixPorts(config: relayApi.RelayProcessInput, ports: TestRelay['ports']): relayApi.RelayProcessInput {
  return {
    ...config,
    listen: { ...config.listen, starttls: ports.starttls, tls: ports.tls },
    ...(config.admin && { admin: { ...config.admin, port: ports.admin } }),
    health: { ...config.health, port: ports.health },
  };
}

interface AdminCall {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

export function callAdmin(call: AdminCall, body?: unknown): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { ...call, host: '127.0.0.1', servername: relayApi.ADMIN_SERVER_NAME, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** All 32 shards: settings in 0, one account and one domain where the contract puts them. */
export function allShards(options: RelayOptions, change: ShardChange = {}): relayApi.Shard[] {
  const account = { ...testAccount(), ...change.account };
  const domain = { ...testDomain(), ...change.domain };
  const shards = Array.from({ length: relayApi.SHARD_COUNT }, (_, shard): relayApi.Shard => ({
    format: relayApi.SHARD_FORMAT,
    relay: { namespace: 'mail', name: 'relay', uid: 'relay-uid' },
    shard,
    revision: change.revision ?? 1,
    ...(shard === 0 && { settings: testSettings(options) }),
    accounts: [],
    domains: [],
    workspaces: [],
  }));
  const put = (key: string) => shards[relayApi.shardOf(key)] ?? shards[0];
  if (!change.withoutAccount) put(`account/${account.namespace}/${account.name}`)?.accounts.push(account);
  for (const extra of change.moreAccounts ?? [])
    put(`account/${extra.namespace}/${extra.name}`)?.accounts.push(extra);
  if (!change.withoutDomain) put(`domain/${domain.namespace}/${domain.name}`)?.domains.push(domain);
  for (const workspace of change.workspaces ?? [])
    put(`workspace/${workspace.namespace}`)?.workspaces.push(workspace);
  return shards;
}

export interface ShardChange {
  readonly revision?: number;
  readonly account?: Partial<relayApi.AccountConfig>;
  readonly moreAccounts?: readonly relayApi.AccountConfig[];
  readonly withoutAccount?: boolean;
  readonly domain?: Partial<relayApi.DomainConfig>;
  readonly withoutDomain?: boolean;
  readonly workspaces?: readonly relayApi.WorkspaceConfig[];
}

function testSettings({ smarthostPort, settings }: RelayOptions): relayApi.RelaySettings {
  return {
    hostname: HOSTNAME,
    delivery: { mode: 'smarthost', host: '127.0.0.1', port: smarthostPort, tls: 'None' },
    bounces: { enabled: false },
    messageLimits: { maxSize: 10_000_000, maxRecipients: 20 },
    retention: { reportsSeconds: 86_400 },
    ...settings,
  };
}

export function testAccount(): relayApi.AccountConfig {
  return {
    id: 'account-uid',
    namespace: 'shop',
    name: 'checkout',
    username: USERNAME,
    verifiers: [verifier('r1', PASSWORD)],
    allowedSenders: [],
    limits: { onWindowLimit: 'Queue' },
    suspended: false,
  };
}

export function testDomain(): relayApi.DomainConfig {
  return {
    id: 'domain-uid',
    domain: 'shop.example',
    namespace: 'shop',
    name: 'shop',
    workspaces: ['shop'],
    dkim: [],
  };
}

export function verifier(id: string, password: string): relayApi.Verifier {
  const salt = randomBytes(16);
  const hash = createHash('sha256').update(salt).update(password).digest('base64');
  return { id, algorithm: 'sha256', salt: salt.toString('base64'), hash };
}
