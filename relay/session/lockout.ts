/**
 * Failed logins, counted for each pair of username and source address and for each address alone.
 * What is locked slows wrong passwords down and cuts the connection; a right one always passes, so that a
 * stale client behind the same address cannot lock anybody out. Known and unknown usernames count alike.
 */

export interface LockoutLimits {
  /** Failures of one pair before it is locked. */
  readonly perPair: number;
  /** Failures of one address over all usernames. */
  readonly perAddress: number;
  /** Forgotten this long after the last failure. */
  readonly windowMs: number;
  readonly maxEntries: number;
}

export const LOCKOUT_LIMITS: LockoutLimits = {
  perPair: 5,
  perAddress: 50,
  windowMs: 10 * 60_000,
  maxEntries: 20_000,
};

/** Floor under every refused login: above what any verifier takes, so that time tells nothing. */
export const REFUSAL_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

interface Entry {
  failures: number;
  lastMs: number;
}

export interface Verdict {
  readonly delayMs: number;
  /** Close the connection after the reply. */
  readonly cut: boolean;
}

export class Lockout {
  readonly #limits: LockoutLimits;
  readonly #entries = new Map<string, Entry>();

  constructor(limits: LockoutLimits = LOCKOUT_LIMITS) {
    this.#limits = limits;
  }

  /** Counts a failure and says how to answer it. */
  failed(username: string, address: string, nowMs: number): Verdict {
    const source = sourceOf(address);
    const pair = this.#count(`${source} ${username.toLowerCase()}`, nowMs) - this.#limits.perPair;
    const all = this.#count(source, nowMs) - this.#limits.perAddress;
    const over = Math.max(pair, all);
    if (over < 0) return { delayMs: REFUSAL_DELAY_MS, cut: false };
    return { delayMs: Math.min(MAX_DELAY_MS, REFUSAL_DELAY_MS * 2 ** Math.min(over + 1, 10)), cut: true };
  }

  /** A right password clears its own pair; the address keeps what other usernames did. */
  succeeded(username: string, address: string): void {
    this.#entries.delete(`${sourceOf(address)} ${username.toLowerCase()}`);
  }

  #count(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    const fresh = entry !== undefined && nowMs - entry.lastMs < this.#limits.windowMs;
    const failures = fresh ? entry.failures + 1 : 1;
    // Re-inserted, so that the map stays ordered by age and the oldest is dropped first.
    this.#entries.delete(key);
    this.#entries.set(key, { failures, lastMs: nowMs });
    if (this.#entries.size > this.#limits.maxEntries) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return failures;
  }
}

/** One attacker owns a whole IPv6 /64. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address;
  return `${address.split(':').slice(0, 4).join(':')}::/64`;
}
