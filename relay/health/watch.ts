/** Looks after what no request would notice: a queue that is stuck, a clock that was set, a store that is gone or full. */
import { statfs } from 'node:fs/promises';
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Spool } from '../spool/index.ts';
import { ClockWatch } from './clock.ts';
import { QueueWatch } from './queue.ts';

export interface HealthWatchOptions {
  readonly spool: Spool;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Folder whose volume must keep room. */
  readonly storageDirectory: string;
  readonly queueStuckAfterMs: number;
  readonly onClockJump: () => void;
  readonly onStoreFailed: (error: unknown) => void;
}

const CLOCK_MS = 1_000;
const STORE_MS = 10_000;
/** A jump stays visible for so long, for whoever asks seldom. */
const JUMP_SHOWN_MS = 10 * 60_000;
/** Below this share of the volume somebody should act. */
const LOW_SPACE = 0.05;

export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #clock = new ClockWatch();
  readonly #queue: QueueWatch;
  readonly #timers: NodeJS.Timeout[] = [];
  #stuckSeconds = 0;
  #freeShare = 1;
  #jump: { readonly ms: number; readonly at: number } | undefined;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#queue = new QueueWatch(options.queueStuckAfterMs);
  }

  start(): void {
    const storeMs = Math.min(STORE_MS, this.#options.queueStuckAfterMs / 4);
    this.#clock.observe(Date.now(), performance.now());
    this.#timers.push(setInterval(() => this.#lookAtClock(), CLOCK_MS));
    this.#timers.push(setInterval(() => void this.#lookAtStore(), storeMs));
    for (const timer of this.#timers) timer.unref();
    void this.#lookAtSpace();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** What is wrong although mail may be taken; empty: nothing. One line each. */
  problems(): string[] {
    const jump = this.#jump && performance.now() - this.#jump.at < JUMP_SHOWN_MS ? this.#jump : undefined;
    return [
      ...(this.#stuckSeconds > 0
        ? [`the queue is stuck: mail is due and nothing was tried for ${this.#stuckSeconds} s`]
        : []),
      ...(jump ? [`the clock jumped by ${Math.round(jump.ms / 1_000)} s`] : []),
      ...(this.#freeShare < LOW_SPACE
        ? [`the volume of the store has only ${(this.#freeShare * 100).toFixed(1)} % left`]
        : []),
    ];
  }

  #lookAtClock(): void {
    const { metrics, log, onClockJump } = this.#options;
    const ms = this.#clock.observe(Date.now(), performance.now());
    if (ms === 0) return;
    this.#jump = { ms, at: performance.now() };
    metrics.clockJumps.inc();
    metrics.clockJump.set(ms / 1_000);
    log.error({ seconds: Math.round(ms / 1_000) }, 'the clock jumped; what waits is looked at anew');
    onClockJump();
  }

  async #lookAtStore(): Promise<void> {
    const { spool, metrics, onStoreFailed } = this.#options;
    try {
      // A write too: an idle relay would not notice that its disk is full or its database gone.
      await spool.probe(Date.now());
      const { oldestDueAt } = await spool.stats();
      this.#stuckSeconds = this.#queue.stuckSeconds({
        nowMs: Date.now(),
        monotonicMs: performance.now(),
        oldestDueAt,
        outcomes: await total(metrics.attempts),
        destinationsDown: await total(metrics.destinationsDown),
      });
      metrics.queueStuck.set(this.#stuckSeconds);
    } catch (error) {
      onStoreFailed(error);
    }
    await this.#lookAtSpace();
  }

  async #lookAtSpace(): Promise<void> {
    const { storageDirectory, metrics, log } = this.#options;
    try {
      const { bavail, blocks, bsize } = await statfs(storageDirectory);
      this.#freeShare = blocks === 0 ? 1 : bavail / blocks;
      metrics.storageFree.set(bavail * bsize);
      metrics.storageSize.set(blocks * bsize);
    } catch (error) {
      log.warn({ cause: describeCause(error) }, 'the space of the volume could not be read');
    }
  }
}

async function total(metric: { get(): Promise<{ values: { value: number }[] }> }): Promise<number> {
  return (await metric.get()).values.reduce((sum, { value }) => sum + value, 0);
}
