/** The load process as seen from the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { IdleJob, JobResult, SendJob, SendResult } from './job.ts';

export { monotonicMs } from './job.ts';
export type { IdleJob, Login, SendJob, SendResult } from './job.ts';

/** Slower than one message a second over all connections is a hang. */
const JOB_MS = 300_000;

export class Load {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, 'process.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  async send(job: SendJob): Promise<SendResult> {
    const result = await this.#do(job);
    if (result.kind !== 'sent') throw new Error(`the load failed: ${describe(result)}`);
    return result;
  }

  /** Returns when all connections stand; they end with the process. */
  async idle(job: IdleJob): Promise<void> {
    const result = await this.#do(job);
    if (result.kind !== 'idle') throw new Error(`the load failed: ${describe(result)}`);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  async #do(job: SendJob | IdleJob): Promise<JobResult> {
    const ended = new AbortController();
    const answer = once(this.#child, 'message', {
      signal: AbortSignal.any([ended.signal, AbortSignal.timeout(JOB_MS)]),
    });
    const onExit = () => ended.abort(new Error('the load process ended'));
    this.#child.once('exit', onExit);
    this.#child.send(job);
    try {
      const [result] = (await answer) as [JobResult];
      return result;
    } finally {
      this.#child.off('exit', onExit);
    }
  }
}

function describe(result: JobResult): string {
  return result.kind === 'failed' ? result.cause : result.kind;
}
