/** Notices a queue that does not move although it could. Pure. */

export interface QueueView {
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** When the recipient that is due for longest was due; null: none waits. */
  readonly oldestDueAt: number | null;
  /** Outcomes recorded so far. */
  readonly outcomes: number;
  /** Next hops that refuse us: then waiting is right. */
  readonly destinationsDown: number;
}

export class QueueWatch {
  readonly #afterMs: number;
  #outcomes = -1;
  #movedAt = 0;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  /** Seconds for which mail is due and nothing moves; 0: all is well. Both clocks must say so: one may have jumped. */
  stuckSeconds(view: QueueView): number {
    const { nowMs, monotonicMs, oldestDueAt, outcomes, destinationsDown } = view;
    const overdueMs = oldestDueAt === null ? 0 : nowMs - oldestDueAt;
    if (outcomes !== this.#outcomes || destinationsDown > 0 || overdueMs <= 0) {
      this.#outcomes = outcomes;
      this.#movedAt = monotonicMs;
    }
    const stillMs = Math.min(overdueMs, monotonicMs - this.#movedAt);
    return stillMs > this.#afterMs ? Math.round(stillMs / 1_000) : 0;
  }
}
