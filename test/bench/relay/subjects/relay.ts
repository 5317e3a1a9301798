/** Our relay as it ships: limits of account and workspace, reports, sender policy, embedded store. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { relayApi } from '@migosmtp/operator/api';
import { stringify } from 'yaml';
import type { Login } from '../load/index.ts';
import {
  launch,
  type Running,
  SELECTOR,
  SENDER_DOMAIN,
  stopTree,
  type Subject,
  type SubjectOptions,
} from './subject.ts';

/** Another tree's main.ts may stand in, to compare two states of the code. */
const MAIN = process.env.BENCH_RELAY_MAIN ?? resolve(import.meta.dirname, '../../../../relay/main.ts');
/** Processes that a relay with its shipped defaults takes sessions in. */
export const SESSION_PROCESSES = 1;

const NAMESPACE = 'shop';
/** Every window is limited and none is ever full. */
const AMPLE = 1_000_000_000;

export interface RelayChange {
  readonly config?: Partial<relayApi.RelayProcessInput>;
  readonly env?: Record<string, string>;
  /** Node's own options, for profiles. */
  readonly nodeOptions?: readonly string[];
}

export function relaySubject(name = 'relay', change: RelayChange = {}): Subject {
  return {
    name,
    overrides: ['ports and folders of its own; a smarthost without TLS'],
    start: (options) => startRelay(options, change),
  };
}

export async function startRelay(options: SubjectOptions, change: RelayChange = {}): Promise<RunningRelay> {
  const file = join(options.folder, 'etc', 'relay.yaml');
  const logFile = join(options.folder, 'relay.log');
  const config: relayApi.RelayProcessInput = {
    listen: { address: '127.0.0.1', starttls: 0, tls: 0 },
    tls: options.tls,
    health: { address: '127.0.0.1', port: 0 },
    storage: { kind: 'embedded', directory: join(options.folder, 'storage') },
    policy: await inlinePolicy(options),
    ...change.config,
  };
  await mkdir(dirname(file));
  await writeFile(file, stringify(config));
  const argv = [process.execPath, ...(change.nodeOptions ?? []), MAIN, '--config', file];
  const child = launch({ argv, logFile, cwd: options.folder, env: { ...process.env, ...change.env } });
  const started = await waitForLine(logFile, '"relay started"', () => child.exitCode === null);
  const { ports } = JSON.parse(started) as { ports: RunningRelay['ports'] };
  return {
    port: ports.starttls,
    ports,
    pid: child.pid ?? 0,
    logFile,
    stop: () => stopTree(child, 10_000),
  };
}

export interface RunningRelay extends Running {
  readonly logFile: string;
  readonly ports: { readonly starttls: number; readonly admin: number | null; readonly health: number };
}

async function inlinePolicy({ logins, sinkPort, dkimKeyFile }: SubjectOptions) {
  const dkim: relayApi.DkimKey[] = dkimKeyFile
    ? [{ selector: SELECTOR, keyType: 'RSA2048', privateKeyPem: await readFile(dkimKeyFile, 'utf8') }]
    : [];
  return {
    from: 'inline' as const,
    settings: relaySettings(sinkPort),
    accounts: logins.map((login, i) => accountOf(login, i)),
    domains: [
      {
        id: 'domain',
        domain: SENDER_DOMAIN,
        namespace: NAMESPACE,
        name: 'shop',
        workspaces: [NAMESPACE],
        dkim,
      },
    ],
    workspaces: [workspace()],
  };
}

export function relaySettings(sinkPort: number): relayApi.RelaySettings {
  return {
    hostname: 'relay.example',
    delivery: { mode: 'smarthost', host: '127.0.0.1', port: sinkPort, tls: 'None' },
    bounces: { enabled: false },
    messageLimits: { maxSize: 26_214_400, maxRecipients: 100 },
    retention: { reportsSeconds: 2_592_000 },
  };
}

export function accountOf({ username, password }: Login, index: number): relayApi.AccountConfig {
  const salt = randomBytes(16);
  const hash = createHash('sha256').update(salt).update(password).digest('base64');
  return {
    id: `account-${index}`,
    namespace: NAMESPACE,
    name: `app-${index}`,
    username,
    verifiers: [{ id: 'r1', algorithm: 'sha256', salt: salt.toString('base64'), hash }],
    allowedSenders: [`*@${SENDER_DOMAIN}`],
    limits: { perMinute: AMPLE, perHour: AMPLE, perDay: AMPLE, perMonth: AMPLE, onWindowLimit: 'Queue' },
    suspended: false,
  };
}

function workspace(): relayApi.WorkspaceConfig {
  const limits = { perMonth: AMPLE, perDay: AMPLE, perHour: AMPLE, maxHeld: AMPLE };
  const overflow = { onWindowLimit: 'Queue', onMonthLimit: 'Reject' } as const;
  return { namespace: NAMESPACE, plan: 'bench', timeZone: 'UTC', ...limits, ...overflow };
}

const START_MS = 60_000;

async function waitForLine(file: string, text: string, isAlive: () => boolean): Promise<string> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const log = readFileSync(file, 'utf8');
    const line = log.split('\n').find((entry) => entry.includes(text));
    if (line !== undefined && log.includes(`${line}\n`)) return line;
    if (!isAlive() || Date.now() > deadline) throw new Error(`the relay did not start: ${log.slice(-2_000)}`);
    await sleep(20);
  }
}
