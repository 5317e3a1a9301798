/**
 * Debian's strace on a running process: shows the order of its system calls, makes chosen ones fail or wait. What is
 * injected is what the kernel would answer, so the code under test is the real one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackages } from '../../cluster/debian.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

const PACKAGES = ['strace'];

/** Containers often forbid it; tests that need it then say so in their name. */
export const mayTrace = canTrace();

function canTrace(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const effective = BigInt(`0x${/^CapEff:\s*(\S+)$/m.exec(status)?.[1] ?? '0'}`);
    const SYS_PTRACE = 19n;
    return (effective & (1n << SYS_PTRACE)) !== 0n;
  } catch {
    return false;
  }
}

export interface Tracing {
  /** Lines so far: `<pid> <seconds> <call>`. */
  lines(): Promise<string[]>;
  /** Leaves the process to itself again. */
  detach(): Promise<void>;
}

/** Attaches to a process and all of its threads; resolves when it is attached to. `args` are strace's. */
export async function trace(pid: number, args: readonly string[]): Promise<Tracing> {
  const packages = await debianPackages(PACKAGES);
  // Not in the relay's own folder: it watches that, and would be seen to read about its reading without end.
  const file = join(await mkdtemp(join(tmpdir(), 'strace-')), 'trace');
  const child: ChildProcess = spawn(
    packages.bin('strace'),
    ['-f', '-ttt', '-yy', '-s', '64', '-o', file, ...args, '-p', String(pid)],
    { stdio: ['ignore', 'ignore', 'pipe'], env: packages.env() },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`strace ended: ${said}`);
      return said.includes('attached');
    },
    { what: 'strace to attach' },
  );
  return {
    lines: async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean),
    async detach() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGINT');
      await exited;
    },
  };
}
