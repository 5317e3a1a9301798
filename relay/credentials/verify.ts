/** Checks a password against an account's verifiers, in constant time and alike for unknown users. */
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { relayApi } from '@migosmtp/operator/api';

type Verifier = relayApi.Verifier;

/** Longest password that is looked at: a scrypt of megabytes would be a lever for attackers. */
const MAX_PASSWORD_BYTES = 1024;
/** Successes of slow verifiers that are remembered; beyond it the oldest is verified anew. */
const MAX_CACHED = 10_000;
/** scrypt runs on the thread pool that also serves file and DNS work: never more than two at once. */
const MAX_SCRYPT = 2;

const DUMMY: Verifier = {
  id: 'none',
  algorithm: 'sha256',
  salt: randomBytes(16).toString('base64'),
  hash: randomBytes(32).toString('base64'),
};

export class PasswordChecker {
  /** Keyed digests under a key that never leaves this process, so that no fast hash of a password is kept. */
  readonly #cacheKey = randomBytes(32);
  readonly #cache = new Map<string, Buffer>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** The verifier that accepts the password. Every one listed is tried; none given: a dummy is, for time. */
  async check(verifiers: readonly Verifier[], password: string): Promise<Verifier | undefined> {
    const bytes = Buffer.from(password, 'utf8');
    const usable = bytes.length > 0 && bytes.length <= MAX_PASSWORD_BYTES;
    const candidate = usable ? bytes : Buffer.from('refused');
    let accepted: Verifier | undefined;
    for (const verifier of verifiers.length > 0 ? verifiers : [DUMMY]) {
      const matches = await this.#matches(verifier, candidate);
      if (matches && accepted === undefined) accepted = verifier;
    }
    return usable && verifiers.length > 0 ? accepted : undefined;
  }

  #matches(verifier: Verifier, password: Buffer): boolean | Promise<boolean> {
    const expected = Buffer.from(verifier.hash, 'base64');
    const salt = Buffer.from(verifier.salt, 'base64');
    if (verifier.algorithm === 'sha256') {
      return isEqual(createHash('sha256').update(salt).update(password).digest(), expected);
    }
    return this.#matchesSlow({ verifier, salt, expected }, password);
  }

  async #matchesSlow(
    target: { verifier: Verifier; salt: Buffer; expected: Buffer },
    password: Buffer,
  ): Promise<boolean> {
    const { verifier, salt, expected } = target;
    const cacheId = `${verifier.salt} ${verifier.hash}`;
    const digest = createHmac('sha256', this.#cacheKey)
      .update(cacheId)
      .update('\0')
      .update(password)
      .digest();
    const cached = this.#cache.get(cacheId);
    if (cached && timingSafeEqual(cached, digest)) return true;
    const matches = isEqual(await this.#scrypt(password, salt, verifier.cost), expected);
    if (matches) this.#remember(cacheId, digest);
    return matches;
  }

  #remember(cacheId: string, digest: Buffer): void {
    this.#cache.delete(cacheId);
    this.#cache.set(cacheId, digest);
    if (this.#cache.size <= MAX_CACHED) return;
    for (const oldest of this.#cache.keys()) {
      this.#cache.delete(oldest);
      break;
    }
  }

  async #scrypt(password: Buffer, salt: Buffer, cost: Verifier['cost']): Promise<Buffer> {
    const { N, r, p } = cost ?? { N: 16_384, r: 8, p: 1 };
    if (this.#running >= MAX_SCRYPT) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const maxmem = 256 * N * r;
        scrypt(password, salt, 32, { N, r, p, maxmem }, (error, key) =>
          error ? reject(error) : resolve(key),
        );
      });
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

function isEqual(actual: Buffer, expected: Buffer): boolean {
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
