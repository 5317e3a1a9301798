/** Secrets from a backup as they were read or written last, for as long as the garbage collector may still take them. */
import type { Secret } from '../../kube/index.ts';
import type { Key } from '../../runtime/index.ts';

/**
 * The collector asks for owner and object, then deletes by uid: an owner that it did not see yet does not hold it up.
 * Requests of a collector that has thousands of objects to look at wait for one another.
 */
const KEEP_MS = 120_000;

export class Keepsakes {
  readonly #kept = new Map<Key, { secret: Secret; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  keep(key: Key, secret: Secret): void {
    this.#kept.set(key, { secret, until: this.#now() + KEEP_MS });
  }

  /** What was written since is what has to come back. */
  renew(key: Key, secret: Secret): void {
    const kept = this.#kept.get(key);
    if (kept !== undefined) kept.secret = secret;
  }

  has(key: Key): boolean {
    return this.recall(key) !== undefined;
  }

  recall(key: Key): Secret | undefined {
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.until <= this.#now()) this.#kept.delete(key);
    return this.#kept.get(key)?.secret;
  }

  forget(key: Key): void {
    this.#kept.delete(key);
  }
}
