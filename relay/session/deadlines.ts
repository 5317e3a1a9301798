/**
 * Absolute deadlines of a session, besides the idle timeout that any trickled byte resets.
 * Pure: told what happened and asked what is overdue.
 */
import type { relayApi } from '@migosmtp/operator/api';

export interface DeadlineLimits {
  /** From connect (or STARTTLS) until a login succeeds. */
  readonly untilAuthMs: number;
  /** Between two complete commands. */
  readonly betweenCommandsMs: number;
  /** DATA must bring `minBytes` in each such span. */
  readonly dataSpanMs: number;
  readonly minBytes: number;
  /** From DATA to its end. */
  readonly dataMs: number;
  readonly sessionMs: number;
}

export function toDeadlines(limits: relayApi.SessionLimits): DeadlineLimits {
  return {
    untilAuthMs: limits.untilLoginSeconds * 1_000,
    betweenCommandsMs: limits.betweenCommandsSeconds * 1_000,
    dataSpanMs: limits.dataSpanSeconds * 1_000,
    minBytes: limits.minBytesPerSpan,
    dataMs: limits.dataSeconds * 1_000,
    sessionMs: limits.sessionSeconds * 1_000,
  };
}

export class Deadlines {
  readonly #limits: DeadlineLimits;
  readonly #startedMs: number;
  #authenticated = false;
  #commandMs: number;
  #data: { startedMs: number; spanMs: number; bytes: number } | undefined;

  constructor(nowMs: number, limits: DeadlineLimits) {
    this.#limits = limits;
    this.#startedMs = nowMs;
    this.#commandMs = nowMs;
  }

  authenticated(): void {
    this.#authenticated = true;
  }

  command(nowMs: number): void {
    this.#commandMs = nowMs;
  }

  dataStarted(nowMs: number): void {
    this.#data = { startedMs: nowMs, spanMs: nowMs, bytes: 0 };
  }

  dataBytes(count: number): void {
    if (this.#data) this.#data.bytes += count;
  }

  /** The message is in; what follows is our own work and no fault of the client. */
  dataEnded(nowMs: number): void {
    this.#data = undefined;
    this.#commandMs = nowMs;
  }

  isOverdue(nowMs: number): boolean {
    const limits = this.#limits;
    if (nowMs - this.#startedMs > limits.sessionMs) return true;
    if (!this.#authenticated && nowMs - this.#startedMs > limits.untilAuthMs) return true;
    if (!this.#data) return nowMs - this.#commandMs > limits.betweenCommandsMs;
    if (nowMs - this.#data.startedMs > limits.dataMs) return true;
    return this.#isTooSlow(this.#data, nowMs);
  }

  #isTooSlow(data: { spanMs: number; bytes: number }, nowMs: number): boolean {
    if (nowMs - data.spanMs < this.#limits.dataSpanMs) return false;
    if (data.bytes < this.#limits.minBytes) return true;
    data.spanMs = nowMs;
    data.bytes = 0;
    return false;
  }
}
