import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process told apart from a later one with the same number by its start time and the machine's boot. */
export interface ProcessIdentity {
  pid: number;
  started: string;
}

/** Identity of a living process; undefined when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return { pid, started: `${boot}:${fields[19]}` };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Sends the signal only if the process is still the one that was recorded. */
export function signalTo(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // ended in between
  }
}

/** SIGTERM, then SIGKILL after `graceMs`; returns when the process is gone. */
export async function terminate(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (graceMs > 0) signalTo(identity, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (isAlive(identity) && Date.now() < deadline) await delay(20);
  signalTo(identity, 'SIGKILL');
  const giveUp = Date.now() + 5000; // a process in uninterruptible sleep cannot be waited for longer
  while (isAlive(identity) && Date.now() < giveUp) await delay(10);
}

export interface DaemonOptions {
  argv: readonly string[];
  logFile: string;
  cwd: string;
  env?: NodeJS.ProcessEnv;
}

/** Starts a process in its own session that outlives this one; output is appended to the log file. */
export async function startDaemon(options: DaemonOptions): Promise<ProcessIdentity> {
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a', 0o600);
  const [command, ...args] = options.argv;
  const child = spawn(command ?? '', args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  const identity = identify(child.pid ?? -1);
  if (identity === undefined) throw new Error(`${command} ended at once, see ${options.logFile}`);
  return identity;
}

/** Writes down a process that a later run may have to end. One file per process, so writers never meet. */
export async function record(folder: string, name: string, identity: ProcessIdentity): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), JSON.stringify(identity));
}

export async function forget(folder: string, name: string): Promise<void> {
  await rm(join(folder, `${name}.json`), { force: true });
}

/** All processes written down in a folder, by name. */
export async function recorded(folder: string): Promise<Map<string, ProcessIdentity>> {
  const found = new Map<string, ProcessIdentity>();
  const files = await readdir(folder).catch(() => []);
  for (const file of files) {
    try {
      const identity = JSON.parse(await readFile(join(folder, file), 'utf8')) as ProcessIdentity;
      found.set(file.replace(/\.json$/, ''), identity);
    } catch {
      // half-written by a run that died: its process has a parent-death signal
    }
  }
  return found;
}
