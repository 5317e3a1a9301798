/**
 * The guard against mass removal: a cluster that suddenly shows far fewer accounts is more often a mistake than a
 * wish. A few removals go at once; more than max(10, 20 %) of a relay's accounts within a minute are held for 15
 * minutes, or until somebody confirms them.
 */
import { createHash } from 'node:crypto';

export const HOLD_MS = 15 * 60_000;
/** Removals within this time count together. */
export const WINDOW_MS = 60_000;
/** Removals are judged together when none has come for this long: `kubectl delete --all` deletes one by one. */
const GATHER_MS = 120;
/** But none waits longer than this to be judged. */
const LONGEST_GATHER_MS = 600;
/** A removal that could not be written is tried again after this. */
const AGAIN_MS = 5_000;
/** Annotation on the SmtpRelay: its value is the token that the condition names. */
export const CONFIRM_ANNOTATION = 'migosmtp.com/confirm-removals';

export interface RemovalQuestion {
  /** Accounts that would lose their login now. */
  pending: number;
  /** Removed within the last WINDOW_MS. */
  recent: number;
  /** Accounts that the relay serves, the pending ones included. */
  served: number;
  /** When the hold began, by the clock of `now`; undefined: there is none. */
  heldSince: number | undefined;
  isConfirmed: boolean;
  now: number;
}

/** Whether the pending removals may go. */
export function mayRemove(question: RemovalQuestion): boolean {
  const { pending, recent, served, heldSince, now } = question;
  if (question.isConfirmed) return true;
  if (heldSince !== undefined && now - heldSince >= HOLD_MS) return true;
  const most = Math.max(10, Math.floor((served + recent) * 0.2));
  return pending + recent <= most;
}

export interface HeldRemovals {
  count: number;
  /** Value that the annotation must have to let exactly these go. */
  token: string;
  until: Date;
}

export interface RemovalGuardOptions {
  countServed: () => number;
  /** Take an account off the relay. */
  remove: (key: string) => Promise<unknown>;
  /** A hold began, changed or ended. */
  onChange: () => void;
}

/** 'held': the guard keeps it, or the relay has closed meanwhile. */
type Verdict = 'removed' | 'held';

interface Hold {
  /** In milliseconds of performance.now: a clock that is set forward must not end a hold. */
  since: number;
  /** For people. */
  until: Date;
}

export class RemovalGuard {
  readonly #options: RemovalGuardOptions;
  readonly #pending = new Map<string, ((verdict: Verdict) => void)[]>();
  #recent: number[] = [];
  #holding: Hold | undefined;
  #isClosed = false;
  #confirmed: string | undefined;
  #gatheringSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RemovalGuardOptions) {
    this.#options = options;
  }

  /**
   * Remove an account that is no longer there. Resolves 'removed' once it is off the relay's shards, 'held' when the
   * guard keeps it. `isCertain`: its namespace is gone too, so that absence is no mistake; such ones never wait.
   */
  async submit(key: string, isCertain: boolean): Promise<Verdict> {
    if (this.#isClosed) return 'held';
    if (isCertain) this.withdraw(key);
    else if ((await this.#judged(key)) === 'held') return 'held';
    await this.#options.remove(key);
    return 'removed';
  }

  /** The account is there after all. */
  withdraw(key: string): void {
    const waiting = this.#pending.get(key);
    if (waiting === undefined) return;
    this.#pending.delete(key);
    for (const resolve of waiting) resolve('held');
    if (this.#pending.size === 0) this.#endHold();
  }

  /** The annotation as it is on the relay now. */
  confirm(token: string | undefined): void {
    if (token === this.#confirmed) return;
    this.#confirmed = token;
    this.#judgeAfter(0);
  }

  get held(): HeldRemovals | undefined {
    if (this.#holding === undefined) return undefined;
    const { until } = this.#holding;
    return { count: this.#pending.size, token: tokenOf([...this.#pending.keys()]), until };
  }

  /** Whoever waits goes on: an account whose reconcile never ended could not be made again under its name. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const waiting of this.#pending.values()) for (const resolve of waiting) resolve('held');
    this.#pending.clear();
  }

  /** Together with those that come right after it. */
  #judged(key: string): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#pending.set(key, [...(this.#pending.get(key) ?? []), resolve]);
    this.#gatheringSince ??= performance.now();
    const leftMs = this.#gatheringSince + LONGEST_GATHER_MS - performance.now();
    this.#judgeAfter(Math.max(0, Math.min(GATHER_MS, leftMs)));
    return promise;
  }

  #judgeAfter(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#judge(), ms);
    this.#timer.unref();
  }

  #judge(): void {
    this.#gatheringSince = undefined;
    if (this.#pending.size === 0) return;
    const now = performance.now();
    this.#recent = this.#recent.filter((at) => now - at < WINDOW_MS);
    const isFree = mayRemove({
      pending: this.#pending.size,
      recent: this.#recent.length,
      served: this.#options.countServed(),
      heldSince: this.#holding?.since,
      isConfirmed: this.#confirmed === tokenOf([...this.#pending.keys()]),
      now,
    });
    if (isFree) this.#release(now);
    else this.#hold(now);
  }

  #release(now: number): void {
    const wasHeld = this.#holding !== undefined;
    for (const [key, waiting] of this.#pending) {
      this.#pending.delete(key);
      this.#recent.push(now);
      // Those whose reconcile has gone away while they were held are removed here.
      if (waiting.length === 0) this.#options.remove(key).catch(() => this.#again(key));
      for (const resolve of waiting) resolve('removed');
    }
    if (wasHeld) this.#endHold();
  }

  /** Nobody else comes back for it. */
  #again(key: string): void {
    if (this.#isClosed) return;
    if (!this.#pending.has(key)) this.#pending.set(key, []);
    this.#judgeAfter(AGAIN_MS);
  }

  #hold(now: number): void {
    this.#holding ??= { since: now, until: new Date(Date.now() + HOLD_MS) };
    for (const [key, waiting] of this.#pending) {
      this.#pending.set(key, []);
      for (const resolve of waiting) resolve('held');
    }
    this.#options.onChange();
    // The timer is long; confirmation and new removals judge earlier.
    this.#judgeAfter(Math.max(1_000, this.#holding.since + HOLD_MS - now));
  }

  #endHold(): void {
    this.#holding = undefined;
    // What was confirmed once does not confirm the next removal.
    this.#options.onChange();
  }
}

/** Names this very set of accounts: a confirmation given for another set does not count. */
export function tokenOf(keys: readonly string[]): string {
  return createHash('sha256').update(keys.toSorted().join('\n')).digest('hex').slice(0, 12);
}
