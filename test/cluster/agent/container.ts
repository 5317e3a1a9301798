import { spawn } from 'node:child_process';
import { closeSync, fchownSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { forget, identify, record, signalTo } from '../processes.ts';
import { run } from '../run.ts';
import { containerScript, dropCommand } from './container-script.ts';
import type { Identity, RootPlan } from './container-script.ts';

export interface ContainerSpec {
  /** Pid of the process that holds the Pod's network, host name and IPC namespaces. */
  sandboxPid: number;
  plan: RootPlan;
  identity: Identity;
  argv: readonly string[];
  env: Record<string, string>;
  logFile: string;
  /** Where the process is written down, and under which name. */
  processes: { folder: string; name: string };
}

export interface Exit {
  code: number;
  signal: NodeJS.Signals | null;
}

/** A container that runs: the process that is pid 1 in the container's own pid namespace. */
export interface RunningContainer {
  exited: Promise<Exit>;
  signal(name: NodeJS.Signals): void;
  /** Runs a command inside. @returns undefined when it ends with 0 in time, else why not */
  exec(argv: readonly string[], timeoutMs: number): Promise<string | undefined>;
}

/** Starts a container's command; resolves once the command itself is about to run. */
export async function startContainer(spec: ContainerSpec): Promise<RunningContainer> {
  mkdirSync(spec.plan.scratch, { recursive: true });
  const child = spawnInside(spec);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      void forget(spec.processes.folder, spec.processes.name);
      resolve({ code: code ?? 137, signal });
    });
    child.once('error', () => resolve({ code: 128, signal: null }));
  });
  const pid = await Promise.race([reportedPid(child.stdio[3] as Readable), exited.then(() => undefined)]);
  const identity = pid === undefined ? undefined : identify(pid);
  if (identity !== undefined) await record(spec.processes.folder, spec.processes.name, identity);
  return {
    exited,
    signal: (name) => {
      if (identity !== undefined) signalTo(identity, name);
    },
    exec: async (argv, timeoutMs) => {
      if (identity === undefined) return 'the container has ended';
      const enter = ['nsenter', '-t', String(identity.pid), '-m', '-n', '-p', '-u', '-i', '--'];
      const command = [...enter, ...dropCommand(spec.identity), ...argv];
      const result = await run(command, { env: spec.env, timeoutMs });
      if (result.signal !== null) return `no answer in ${timeoutMs} ms`;
      return result.code === 0
        ? undefined
        : `exit code ${result.code}: ${result.stderr.slice(0, 200).trim()}`;
    },
  };
}

/**
 * Makes the script ($0) pid 1 of the new pid namespace and passes its end on. Not by `unshare --fork`, which in
 * util-linux 2.38 loses the signal that ended it; the shell's own remark about a signal must not reach the log.
 */
const firstProcess = 'exec 4>&2 2>/dev/null; (exec 2>&4 4>&-; exec /bin/sh -ec "$0" sh "$@"); exit $?';

function spawnInside({ sandboxPid, plan, identity, argv, env, logFile }: ContainerSpec) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  // A program may open /dev/stdout anew, which needs the right to.
  fchownSync(log, identity.user, identity.group);
  const namespaces = ['net', 'uts', 'ipc'].map((kind) => `--${kind}=/proc/${sandboxPid}/ns/${kind}`);
  const enter = ['--pdeathsig', 'KILL', '/usr/bin/nsenter', ...namespaces, '--'];
  const isolate = ['/usr/bin/unshare', '--mount', '--pid', '--', '/bin/sh', '-c', firstProcess];
  const child = spawn('/usr/bin/setpriv', [...enter, ...isolate, containerScript(plan, identity), ...argv], {
    env,
    cwd: '/',
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  return child;
}

/** The pid that the script writes; undefined when it ends without. */
function reportedPid(stream: Readable): Promise<number | undefined> {
  return new Promise((resolve) => {
    stream.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())));
    stream.once('end', () => resolve(undefined));
    stream.once('error', () => resolve(undefined));
  });
}
