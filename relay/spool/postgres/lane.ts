/** Calls that arrive while a transaction runs share the next one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RelayError } from '../../errors.ts';
import { DatabaseFault } from './faults.ts';

interface Entry<Call, Result> {
  readonly call: Call;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface LaneOptions<Call, Result> {
  /** One transaction for all of them; results in their order. */
  run(calls: readonly Call[]): Promise<readonly Result[]>;
  /** While there is much to do, transactions begin no closer than this; each costs more than what stands in it. */
  readonly apartMs: number;
  /** Processes that share the database, this one included. */
  readonly sharers?: () => number;
  /** What a call weighs, in bytes; bounds a transaction together with the number of calls. */
  weigh?(call: Call): number;
  /** The transaction may or may not have been committed. */
  unknown?(calls: readonly Call[]): void;
}

const MAX_CALLS = 500;
const MANY = 4;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_COLLISIONS = 5;
/** For each other process, as a multiple of what the last transaction took. */
const GATHERING = 2;
const MAX_GATHERING_MS = 30;

export class Lane<Call, Result> {
  readonly #options: LaneOptions<Call, Result>;
  #waiting: Entry<Call, Result>[] = [];
  #working: Promise<void> | undefined;
  #startedAt = -Infinity;
  #tookMs = 0;
  /** A few callers that wait for each answer would only be slowed down. */
  #isBusy = false;

  constructor(options: LaneOptions<Call, Result>) {
    this.#options = options;
  }

  call(call: Call): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Once everything that was called has its answer. */
  async drained(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // What else is called in this turn of the event loop goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const waitMs = this.#notBefore() - performance.now();
      if (this.#isBusy && waitMs > 0.5) await sleep(Math.round(waitMs));
      this.#startedAt = performance.now();
      const entries = this.#next();
      this.#isBusy = entries.length >= MANY;
      await this.#settle(entries);
      this.#tookMs = performance.now() - this.#startedAt;
    }
    this.#working = undefined;
  }

  /**
   * Several processes have smaller transactions each, and all of them charge the same counters: they wait for each
   * other in the database, and what is spent there grows with the number of transactions. So the longer one took and
   * the more there are to share with, the longer the next one gathers.
   */
  #notBefore(): number {
    const others = (this.#options.sharers?.() ?? 1) - 1;
    const gatheringMs = Math.min(MAX_GATHERING_MS, others * GATHERING * this.#tookMs);
    return this.#startedAt + Math.max(this.#options.apartMs, this.#tookMs + gatheringMs);
  }

  #next(): Entry<Call, Result>[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(this.#waiting.length, MAX_CALLS); count++) {
      const entry = this.#waiting[count];
      bytes += (entry && this.#options.weigh?.(entry.call)) ?? 0;
      if (count > 0 && bytes > MAX_BYTES) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #settle(entries: readonly Entry<Call, Result>[]): Promise<void> {
    try {
      const results = await this.#run(entries.map(({ call }) => call));
      for (const [i, entry] of entries.entries()) entry.resolve(results[i] as Result);
    } catch (error) {
      if (entries.length > 1 && error instanceof DatabaseFault && error.isCallsOwn) {
        // One bad call must not spoil the others.
        for (const entry of entries) await this.#settle([entry]);
        return;
      }
      for (const entry of entries) entry.reject(toRelayError(error));
    }
  }

  async #run(calls: readonly Call[]): Promise<readonly Result[]> {
    for (let collisions = 0; ; collisions++) {
      try {
        return await this.#options.run(calls);
      } catch (error) {
        const fault = error instanceof DatabaseFault ? error : undefined;
        if (fault?.isUnknown) this.#options.unknown?.(calls);
        if (!fault?.isCollision || collisions >= MAX_COLLISIONS) throw error;
      }
    }
  }
}

export function toRelayError(error: unknown): unknown {
  return error instanceof DatabaseFault ? new RelayError('R_STORE_WRITE', {}, error) : error;
}
