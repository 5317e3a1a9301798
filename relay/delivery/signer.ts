/** Signs in a worker thread, started with the first message that needs it. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import type { SigningKey } from './dkim.ts';
import type { SignReply, SignRequest } from './sign-worker.ts';
import type { WholeContent } from './target.ts';

interface Waiting {
  resolve(fields: string): void;
  /** The worker took the last part. */
  onTaken(): void;
}

export class Signer {
  readonly #log: Log;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 1;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starting the thread takes tens of milliseconds: done ahead, no message waits for it. */
  warmUp(): void {
    this.#start();
  }

  /**
   * Signature fields to stand before the message; empty without keys or when none of them can sign. Rejects where
   * the content cannot be read.
   */
  async sign(content: WholeContent, headerSize: number, keys: readonly SigningKey[]): Promise<string> {
    if (keys.length === 0) return '';
    const id = this.#next++;
    const worker = this.#start();
    const fields = new Promise<string>((resolve) => {
      this.#waiting.set(id, { resolve, onTaken: () => {} });
    });
    const send = (request: SignRequest) => worker.postMessage(request);
    if (content.kind === 'inline') {
      send({ id, kind: 'whole', headerSize, keys, data: content.data });
    } else {
      send({ id, kind: 'begin', headerSize, keys });
      await this.#feed(id, content.read(), send);
      send({ id, kind: 'end' });
    }
    return fields;
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** One part at a time: a large message is in memory neither here nor there. */
  async #feed(
    id: number,
    parts: AsyncIterable<Uint8Array>,
    send: (request: SignRequest) => void,
  ): Promise<void> {
    try {
      for await (const data of parts) {
        const taken = new Promise<void>((resolve) => {
          const waiting = this.#waiting.get(id);
          if (waiting) waiting.onTaken = resolve;
          else resolve();
        });
        send({ id, kind: 'part', data });
        await taken;
      }
    } catch (error) {
      send({ id, kind: 'abandon' });
      throw error;
    }
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./sign-worker.ts', import.meta.url), {
      name: 'signer',
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    worker.unref();
    worker.on('message', (reply: SignReply) => {
      if (reply.kind === 'more') {
        this.#waiting.get(reply.id)?.onTaken();
        return;
      }
      for (const problem of reply.problems) this.#log.error({ problem }, 'message not signed with every key');
      this.#settle(reply.id, reply.fields);
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
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.resolve(fields);
    waiting?.onTaken();
  }
}
