/**
 * When a shard is written: at once where changes come one by one, later where they come in a wave, so that many share
 * a write. Pure but for what it counts.
 *
 * A shard waits just as long as it takes some changes to meet in it, and never for a wave that has passed.
 */

/** What a shard and its siblings stand at; times in milliseconds of one clock. */
export interface ShardStanding {
  now: number;
  /** End of the shard's last write. */
  writtenAt: number;
  /** Changes that wait in this shard. */
  pending: number;
  isUrgent: boolean;
}

/** Below this many a second nobody waits. */
const WAVE_PER_SECOND = 10;
/** A shard waits for so many. */
const COMPANY = 6;
/** So many are worth a write, whatever comes next. */
const FULL = 8;
const LONGEST_LINGER_MS = 8_000;
/** Without a change for this long the wave has passed, or all of it waits for these very writes. */
const QUIET_MS = 400;
/** Over this long changes are counted. */
const WINDOW_MS = 2_000;

export class Pace {
  readonly #shards: number;
  #recent = 0;
  #changedAt = -Infinity;

  constructor(shards: number) {
    this.#shards = shards;
  }

  /** A change of any shard has come. */
  count(now: number): void {
    this.#recent = this.#recentAt(now) + 1;
    this.#changedAt = now;
  }

  /** Milliseconds until the shard is to be written; 0 or less: now. */
  waitMs({ now, writtenAt, pending, isUrgent }: ShardStanding): number {
    const perSecond = (1000 * this.#recentAt(now)) / WINDOW_MS;
    if (isUrgent || pending >= FULL || perSecond < WAVE_PER_SECOND) return 0;
    const meetingMs = (1000 * this.#shards * COMPANY) / perSecond;
    const lingerMs = Math.min(meetingMs, LONGEST_LINGER_MS);
    return Math.min(writtenAt + lingerMs, this.#changedAt + QUIET_MS) - now;
  }

  #recentAt(now: number): number {
    return this.#recent * Math.exp((this.#changedAt - now) / WINDOW_MS);
  }
}
