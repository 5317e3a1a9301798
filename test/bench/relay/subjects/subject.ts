/** What the benchmark measures: a server that takes mail with STARTTLS and AUTH. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Login } from '../load/index.ts';
import { pids } from '../../process-tree.ts';

export const SENDER_DOMAIN = 'shop.example';
export const SENDER = `orders@${SENDER_DOMAIN}`;
export const RECIPIENT_DOMAIN = 'customers.example';
export const SELECTOR = 'bench';

/** The same for every subject of a row. */
export interface SubjectOptions {
  /** Empty, on the same file system as everybody else's; removed afterwards. */
  readonly folder: string;
  readonly sinkPort: number;
  /** Connections of the load, which peers get as many processes and upstream connections for. */
  readonly connections: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string };
  /** PEM file of the RSA-2048 key to sign with; undefined: unsigned. */
  readonly dkimKeyFile: string | undefined;
  readonly logins: readonly Login[];
}

export interface Running {
  readonly port: number;
  /** Root of the process tree whose CPU and memory count. */
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** What differs from the defaults that it ships with; printed before it runs. */
  readonly overrides: readonly string[];
  start(options: SubjectOptions): Promise<Running>;
}

interface Launch {
  readonly argv: readonly string[];
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const started = new Set<ChildProcess>();
let isWatching = false;

/** However this process ends, none of those stays behind. */
export function endWithUs(child: ChildProcess): ChildProcess {
  if (!isWatching) {
    isWatching = true;
    process.once('exit', () => {
      for (const { pid } of started) if (pid !== undefined) signalAll(pids(pid), 'SIGKILL');
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  }
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

/** Starts a process whose output goes to a file, as it would under a supervisor. */
export function launch({ argv, logFile, env = process.env, cwd = '/' }: Launch): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['ignore', log, log], env, cwd });
  closeSync(log);
  return endWithUs(child);
}

/** SIGTERM to all of the tree, then SIGKILL to what is left of it. */
export async function stopTree(child: ChildProcess, graceMs = 3_000): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const tree = pids(child.pid);
  signalAll(tree.toReversed(), 'SIGTERM');
  await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
  signalAll([...tree, ...pids(child.pid)], 'SIGKILL');
  await exited;
}

function signalAll(targets: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of targets) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended already
    }
  }
}

/** A port that was free a moment ago, for servers that cannot say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

const START_MS = 60_000;

/** Waits until something greets on the port. */
export async function waitForGreeting(port: number, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await greets(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`nothing greets on port ${port}; see ${logFile}`);
    }
    await sleep(20);
  }
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })) as [Buffer];
    return chunk.toString('latin1').startsWith('220');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
