/** The next hop of all: Postfix's smtp-sink, which discards and counts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { debianPackages } from '../../cluster/index.ts';
import { monotonicMs } from './load/index.ts';
import { endWithUs, freePort } from './subjects/subject.ts';

export class Sink {
  readonly port: number;
  readonly #child: ChildProcess;
  #count = 0;
  #changedAt = 0;
  #rest = '';
  #waiting: { count: number; resolve: () => void } | undefined;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
  }

  /** On a free port unless told which. */
  static async start(onPort?: number): Promise<Sink> {
    const packages = await debianPackages(['postfix'], (line) => process.stderr.write(`${line}\n`));
    const port = onPort ?? (await freePort());
    // -c prints the counters after each message; -m is above all connections that any subject opens.
    const args = ['-c', '-m', '600', ...(process.getuid?.() === 0 ? ['-u', 'nobody'] : [])];
    const child = spawn(packages.bin('smtp-sink'), [...args, `127.0.0.1:${port}`, '512'], {
      env: packages.env(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const sink = new Sink(port, endWithUs(child));
    await sink.#listening();
    return sink;
  }

  /** Messages received so far. */
  get count(): number {
    return this.#count;
  }

  /** Waits until that many are here in all; answers when the last of them came. */
  async waitFor(count: number, timeoutMs: number): Promise<number> {
    if (this.#count < count) {
      const reached = new Promise<'reached'>((resolve) => {
        this.#waiting = { count, resolve: () => resolve('reached') };
      });
      const late = sleep(timeoutMs, 'late' as const, { ref: false });
      if ((await Promise.race([reached, late])) === 'late') {
        throw new Error(`${this.#count} of ${count} messages are at the sink after ${timeoutMs / 1_000} s`);
      }
    }
    return this.#changedAt;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** `sess=3 quit=1 mesg=57` and CR, to be overwritten in place on a terminal; a chunk may end within. */
  #read(chunk: string): void {
    const text = this.#rest + chunk;
    const end = text.lastIndexOf('\r');
    this.#rest = text.slice(end + 1);
    const at = text.lastIndexOf('mesg=', end);
    if (end === -1 || at === -1) return;
    this.#count = Number.parseInt(text.slice(at + 5, end), 10);
    this.#changedAt = monotonicMs();
    if (this.#waiting && this.#count >= this.#waiting.count) this.#waiting.resolve();
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 500; attempt++) {
      const socket = connect(this.port, '127.0.0.1');
      try {
        await once(socket, 'data', { signal: AbortSignal.timeout(1_000) });
        return;
      } catch {
        await sleep(20);
      } finally {
        socket.destroy();
      }
    }
    throw new Error(`smtp-sink does not listen on port ${this.port}`);
  }
}
