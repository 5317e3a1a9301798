/**
 * The embedded store as seen from the event loop. The calls of one turn leave together and at once; those that reach
 * the worker during a commit share the next one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { RelayError } from '../../errors.ts';
import type { Body, BodyWriter, Spool } from '../types.ts';
import { openBodyFile, readBodyFile } from './bodies.ts';
import { pack } from './packing.ts';
import type { FromWorker, Operation, Reply, ToWorker } from './protocol.ts';

interface Call {
  readonly operation: Operation;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Most operations that the worker has at once, which it may put into one transaction: bounds how long a commit takes. */
const MAX_RUNNING = 500;

/**
 * Nobody hurries for these: while nothing else is asked for they wait so long for company, because a commit costs more
 * than what is in it. What is not recorded yet counts as being delivered.
 */
const PATIENT: ReadonlySet<Operation['method']> = new Set(['record', 'recordLogins']);
const PATIENCE_MS = 5;

/** Over a worker that has opened the store; see open.ts. */
export class EmbeddedSpool implements Spool {
  readonly #worker: Worker;
  readonly #directory: string;
  #waiting: Call[] = [];
  /** Sent; the worker answers in this order. */
  readonly #running: Call[] = [];
  #later: NodeJS.Timeout | undefined;
  #isGathering = false;
  /** Some wait for replies to those that the worker has. */
  #hasNoRoom = false;
  #closed: { readonly done: Promise<void>; isSent: boolean } | undefined;

  constructor(worker: Worker, directory: string) {
    this.#worker = worker;
    this.#directory = directory;
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'replies') this.#settle(message.replies);
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => {
      const expected = this.#closed !== undefined;
      this.#fail(new RelayError('R_STORE_CLOSED'));
      // Nothing can be acknowledged any more: die and be restarted rather than linger.
      if (!expected) throw new RelayError('R_STORE_CLOSED');
    });
  }

  accept: Spool['accept'] = (...args) => this.#call({ method: 'accept', args });
  decide: Spool['decide'] = (...args) => this.#call({ method: 'decide', args });
  claim: Spool['claim'] = (...args) => this.#call({ method: 'claim', args });
  unclaim: Spool['unclaim'] = (...args) => this.#call({ method: 'unclaim', args });
  record: Spool['record'] = (...args) => this.#call({ method: 'record', args });
  nextDue: Spool['nextDue'] = (...args) => this.#call({ method: 'nextDue', args });
  findRecipient: Spool['findRecipient'] = (...args) => this.#call({ method: 'findRecipient', args });
  recordLateBounce: Spool['recordLateBounce'] = (...args) => this.#call({ method: 'recordLateBounce', args });
  suppress: Spool['suppress'] = (...args) => this.#call({ method: 'suppress', args });
  unsuppress: Spool['unsuppress'] = (...args) => this.#call({ method: 'unsuppress', args });
  suppressions: Spool['suppressions'] = (...args) => this.#call({ method: 'suppressions', args });
  heldGroups: Spool['heldGroups'] = (...args) => this.#call({ method: 'heldGroups', args });
  release: Spool['release'] = (...args) => this.#call({ method: 'release', args });
  setSuspended: Spool['setSuspended'] = (...args) => this.#call({ method: 'setSuspended', args });
  counts: Spool['counts'] = (...args) => this.#call({ method: 'counts', args });
  recordLogins: Spool['recordLogins'] = (...args) => this.#call({ method: 'recordLogins', args });
  lastLogins: Spool['lastLogins'] = (...args) => this.#call({ method: 'lastLogins', args });
  reports: Spool['reports'] = (...args) => this.#call({ method: 'reports', args });
  stats: Spool['stats'] = (...args) => this.#call({ method: 'stats', args });
  retry: Spool['retry'] = (...args) => this.#call({ method: 'retry', args });
  retryAll: Spool['retryAll'] = (...args) => this.#call({ method: 'retryAll', args });
  cancel: Spool['cancel'] = (...args) => this.#call({ method: 'cancel', args });
  sweep: Spool['sweep'] = (...args) => this.#call({ method: 'sweep', args });
  addEvents: Spool['addEvents'] = (...args) => this.#call({ method: 'addEvents', args });
  claimEvents: Spool['claimEvents'] = (...args) => this.#call({ method: 'claimEvents', args });
  settleEvent: Spool['settleEvent'] = (...args) => this.#call({ method: 'settleEvent', args });
  eventStats: Spool['eventStats'] = (...args) => this.#call({ method: 'eventStats', args });
  probe: Spool['probe'] = (...args) => this.#call({ method: 'probe', args });

  openBody(queueId: string): Promise<BodyWriter> {
    return openBodyFile(this.#directory, queueId);
  }

  async readBody(queueId: string): Promise<Body | null> {
    const body = await this.#call<Body | null>({ method: 'readBody', args: [queueId] });
    return body?.kind === 'file' && !existsSync(this.#bodyPath(body.name)) ? null : body;
  }

  readLarge: Spool['readLarge'] = (name, range) => readBodyFile(this.#bodyPath(name), range);

  /** One process, one store: what is claimed stays so. */
  holds(): boolean {
    return true;
  }

  /** Nothing happens here that nobody asked for. */
  watch(): void {}

  async close(): Promise<void> {
    if (!this.#closed) {
      const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
      this.#closed = { done: exited, isSent: false };
      this.#send();
    }
    await this.#closed.done;
  }

  #bodyPath(name: string): string {
    return join(this.#directory, 'bodies', name);
  }

  /** The value's type is the method's own; the worker answers with what it returned. */
  #call<T>(operation: Operation): Promise<T> {
    if (this.#closed) return Promise.reject(new RelayError('R_STORE_CLOSED'));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      if (!PATIENT.has(operation.method)) this.#soon();
      else this.#later ??= setTimeout(() => this.#send(), PATIENCE_MS);
    });
  }

  /** Once all that this turn of the event loop brings has been asked for: connections often speak together. */
  #soon(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    setImmediate(() => {
      this.#isGathering = false;
      this.#send();
    });
  }

  #send(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    const batch = this.#waiting.splice(0, MAX_RUNNING - this.#running.length);
    this.#hasNoRoom = this.#waiting.length > 0;
    if (batch.length > 0) {
      this.#running.push(...batch);
      const packed = pack(batch.map((call) => call.operation));
      this.#post({ kind: 'batch', ...packed }, packed.bytes);
    }
    if (this.#closed && !this.#closed.isSent && !this.#hasNoRoom) {
      this.#closed.isSent = true;
      this.#post({ kind: 'close' });
    }
  }

  #post(message: ToWorker, given?: Uint8Array<ArrayBuffer>): void {
    this.#worker.postMessage(message, given ? [given.buffer] : []);
  }

  #settle(replies: readonly Reply[]): void {
    const calls = this.#running.splice(0, replies.length);
    if (this.#hasNoRoom) this.#send();
    for (const [i, call] of calls.entries()) {
      const reply = replies[i];
      if (reply?.ok) call.resolve(reply.value);
      else call.reject(new RelayError('R_STORE_WRITE', { cause: reply?.cause ?? 'no reply' }));
    }
  }

  #fail(error: unknown): void {
    const calls = [...this.#running.splice(0), ...this.#waiting.splice(0)];
    for (const call of calls) call.reject(error);
    this.#closed ??= { done: Promise.resolve(), isSent: true };
  }
}
