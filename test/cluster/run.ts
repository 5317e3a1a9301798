import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import { Refusal, tail } from './failure.ts';

/** What a finished command left behind. `code` is 128 + signal number's place when it was killed, as in a shell. */
export interface Finished {
  code: number;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> {
  /** Written to standard input, which is then closed. */
  input?: string | Buffer;
  timeoutMs?: number;
  /** Receives every chunk of output as it comes (progress of long commands). */
  onOutput?: (chunk: string) => void;
}

/** Runs a command to its end and collects its output; never rejects because of the exit code. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, timeoutMs, onOutput, ...spawnOptions } = options;
  const [command, ...args] = argv;
  if (command === undefined) throw new Error('empty command');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...spawnOptions, stdio: ['pipe', 'pipe', 'pipe'] });
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs).unref();
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      onOutput?.(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      onOutput?.(chunk);
    });
    child.stdin.on('error', () => {}); // the command may end without reading its input
    child.stdin.end(input ?? '');
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new Refusal(`${command} is not installed or not on PATH`) : error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128, signal, stdout, stderr });
    });
  });
}

/** Like {@link run}, but a non-zero exit is an error that quotes the command's last words. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code !== 0) {
    const words = tail(result.stderr === '' ? result.stdout : result.stderr);
    throw new Error(`${argv.slice(0, 4).join(' ')} ended with ${result.signal ?? result.code}: ${words}`);
  }
  return result.stdout;
}
