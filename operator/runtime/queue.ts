/**
 * The work queue: each key at most once in it, and at most one worker on a key.
 *
 * A key added while a worker has it is marked dirty and comes back when the worker is done. Delays are kept in one
 * heap with one timer, so that ten thousand waiting keys cost no timers. Changes (`now`) go before start-up, resync and
 * looks at what has probably not changed (`later`), but for every so many of them: a long wave must not stop the looks.
 * Changes that are being worked on count too: most of a wave waits for the network, and a look would take it from them.
 */
import { DelayHeap } from './delay-heap.ts';
import type { Key } from './keys.ts';

export type Priority = 'now' | 'later';

export interface QueueOptions {
  baseDelayMs?: number;
  maxDelayMs?: number;
  /** For jitter; 0 to 1. */
  random?: () => number;
}

/** After so many changes, one of the others has its turn. */
const MOST_NOW_IN_TURN = 15;
/** With so many changes being worked on, the others wait for their turn; with fewer they go when no change waits. */
const WAVE = 16;
/** And for no longer than this, should what is being worked on never end. */
const LONGEST_LATER_MS = 300_000;

export class WorkQueue {
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #random: () => number;
  readonly #now = new Map<Key, number>();
  readonly #later = new Map<Key, number>();
  readonly #running = new Map<Key, Priority>();
  #changesRunning = 0;
  readonly #dirty = new Map<Key, Priority>();
  readonly #failures = new Map<Key, number>();
  readonly #delayed = new DelayHeap<Key>((key) => this.add(key, this.#unhurried.has(key) ? 'later' : 'now'));
  /** Delayed keys that will wait behind changes when they fall due. */
  readonly #unhurried = new Set<Key>();
  #nowInTurn = 0;
  readonly #takers: ((key: Key | undefined) => void)[] = [];
  readonly #idlers: (() => void)[] = [];
  #isStopped = false;

  constructor(options: QueueOptions = {}) {
    this.#baseDelayMs = options.baseDelayMs ?? 50;
    this.#maxDelayMs = options.maxDelayMs ?? 60_000;
    this.#random = options.random ?? Math.random;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#now.size + this.#later.size;
  }

  /** Keys that wait for a worker or have one. */
  get busy(): number {
    return this.depth + this.#running.size;
  }

  /** Resolves when nothing waits and nothing runs; delayed keys do not count. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idlers.push(resolve);
      this.#tellIdlers();
    });
  }

  add(key: Key, priority: Priority = 'now'): void {
    if (this.#isStopped) return;
    this.#delayed.cancel(key);
    this.#unhurried.delete(key);
    if (this.#running.has(key)) {
      if (this.#dirty.get(key) !== 'now') this.#dirty.set(key, priority);
      return;
    }
    if (this.#now.has(key)) return;
    const queuedAt = this.#later.get(key) ?? performance.now();
    if (priority === 'now') {
      this.#later.delete(key);
      this.#now.set(key, queuedAt);
    } else if (!this.#later.has(key)) {
      this.#later.set(key, queuedAt);
    }
    this.#hand();
  }

  /** Add after a delay; the earliest of several wins, `now` before `later`, and a plain add replaces it. */
  addAfter(key: Key, delayMs: number, priority: Priority = 'now'): void {
    if (this.#isStopped) return;
    if (delayMs <= 0) this.add(key, priority);
    else if (!this.#now.has(key) && !this.#later.has(key)) {
      if (priority === 'now') this.#unhurried.delete(key);
      else if (!this.#delayed.has(key)) this.#unhurried.add(key);
      // No number: in the heap nothing would come after it, of any key.
      this.#delayed.set(key, Number.isNaN(delayMs) ? this.#maxDelayMs : delayMs);
    }
  }

  /** Add after a delay that grows with each failure of the key. Returns the delay. */
  retry(key: Key, atLeastMs = 0): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const backoff = Math.min(this.#baseDelayMs * 2 ** Math.min(failures, 30), this.#maxDelayMs);
    const delayMs = Math.max(atLeastMs, backoff * (0.8 + 0.4 * this.#random()));
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** The key succeeded: its next failure starts at the shortest delay again. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  failures(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, as soon as there is one; undefined when the queue has stopped. `done` must follow. */
  take(): Promise<Key | undefined> {
    if (this.#isStopped) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  done(key: Key): void {
    if (this.#running.get(key) === 'now') this.#changesRunning--;
    this.#running.delete(key);
    const priority = this.#dirty.get(key);
    if (priority !== undefined) {
      this.#dirty.delete(key);
      this.add(key, priority);
    } else {
      this.#hand();
    }
    this.#tellIdlers();
  }

  stop(): void {
    this.#isStopped = true;
    this.#delayed.clear();
    this.#unhurried.clear();
    this.#now.clear();
    this.#later.clear();
    for (const take of this.#takers.splice(0)) take(undefined);
    for (const idle of this.#idlers.splice(0)) idle();
  }

  /** Called with the seconds that a key has waited. */
  onTaken: (waitedSeconds: number) => void = () => undefined;

  #tellIdlers(): void {
    if (this.depth > 0 || this.#running.size > 0) return;
    for (const idle of this.#idlers.splice(0)) idle();
  }

  #nextPriority(): Priority | undefined {
    const [oldest] = this.#later.values();
    if (oldest === undefined) return this.#now.size > 0 ? 'now' : undefined;
    if (this.#now.size > 0) return this.#nowInTurn >= MOST_NOW_IN_TURN ? 'later' : 'now';
    const isWave = this.#changesRunning >= WAVE && this.#nowInTurn < MOST_NOW_IN_TURN;
    return isWave && performance.now() - oldest < LONGEST_LATER_MS ? undefined : 'later';
  }

  #hand(): void {
    while (this.#takers.length > 0) {
      const priority = this.#nextPriority();
      if (priority === undefined) return;
      const source = priority === 'now' ? this.#now : this.#later;
      const [key, queuedAt] = source.entries().next().value!;
      source.delete(key);
      this.#running.set(key, priority);
      if (priority === 'now') this.#changesRunning++;
      this.#nowInTurn = priority === 'now' ? this.#nowInTurn + 1 : 0;
      this.onTaken((performance.now() - queuedAt) / 1000);
      this.#takers.shift()!(key);
    }
  }
}
