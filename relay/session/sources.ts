/** Connections by where they come from. Behind one address stand many honest clients: caps keep room, not order. */
import type { relayApi } from '@migosmtp/operator/api';

export type SourceLimits = Pick<
  relayApi.SessionLimits,
  'maxPerSource' | 'maxUnauthenticatedPerSource' | 'maxUnauthenticatedPerMinute'
>;

interface Counts {
  open: number;
  unauthenticated: number;
  /** Connections since `minuteMs` that have not logged in, also those that are closed again. */
  recent: number;
  minuteMs: number;
}

const MINUTE_MS = 60_000;

export class Sources {
  readonly #limits: SourceLimits;
  readonly #counts = new Map<string, Counts>();

  constructor(limits: SourceLimits) {
    this.#limits = limits;
  }

  /** False: refused, and not counted as open. */
  opened(source: string, nowMs: number): boolean {
    const counts = this.#counts.get(source) ?? { open: 0, unauthenticated: 0, recent: 0, minuteMs: nowMs };
    this.#counts.set(source, counts);
    // Also when the clock was set back.
    if (Math.abs(nowMs - counts.minuteMs) >= MINUTE_MS) Object.assign(counts, { recent: 0, minuteMs: nowMs });
    const { maxPerSource, maxUnauthenticatedPerSource, maxUnauthenticatedPerMinute } = this.#limits;
    if (counts.open >= maxPerSource || counts.unauthenticated >= maxUnauthenticatedPerSource) return false;
    if (counts.recent >= maxUnauthenticatedPerMinute) return false;
    counts.open++;
    counts.unauthenticated++;
    counts.recent++;
    return true;
  }

  loggedIn(source: string): void {
    const counts = this.#counts.get(source);
    if (!counts) return;
    counts.unauthenticated--;
    counts.recent = Math.max(0, counts.recent - 1);
  }

  closed(source: string, wasLoggedIn: boolean): void {
    const counts = this.#counts.get(source);
    if (!counts) return;
    counts.open--;
    if (!wasLoggedIn) counts.unauthenticated--;
  }

  /** Drops what says nothing any more. */
  forget(nowMs: number): void {
    for (const [source, { open, minuteMs }] of this.#counts) {
      if (open === 0 && Math.abs(nowMs - minuteMs) >= MINUTE_MS) this.#counts.delete(source);
    }
  }
}
