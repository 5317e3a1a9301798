/** Signs in a worker thread, started with the first message that needs it. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import type { SigningKey } from './dkim.ts';
import type { SignReply, SignRequest } from './sign-worker.ts';
import type { Content } from './target.ts';

export class Signer {
  readonly #log: Log;
  readonly #waiting = new Map<number, (fields: string) => void>();
  #worker: Worker | undefined;
  #next = 1;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starting the thread takes tens of milliseconds: done ahead, no message waits for it. */
  warmUp(): void {
    this.#start();
  }

  /** Signature fields to stand before the message; empty without keys or when none of them can sign. */
  sign(content: Content, headerSize: number, keys: readonly SigningKey[]): Promise<string> {
    if (keys.length === 0) return Promise.resolve('');
    const id = this.#next++;
    const request: SignRequest = { id, content, headerSize, keys };
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#start().postMessage(request);
    });
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./sign-worker.ts', import.meta.url), { name: 'signer' });
    worker.unref();
    worker.on('message', ({ id, fields, problems }: SignReply) => {
      for (const problem of problems) this.#log.error({ problem }, 'message not signed with every key');
      this.#settle(id, fields);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const id of this.#waiting.keys()) this.#settle(id, '');
    });
    worker.on('error', (error) => this.#log.error({ cause: error.message }, 'signer stopped'));
    this.#worker = worker;
    return worker;
  }

  #settle(id: number, fields: string): void {
    this.#waiting.get(id)?.(fields);
    this.#waiting.delete(id);
  }
}
