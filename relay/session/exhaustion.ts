/**
 * Remembers whose limits may be used up, so that MAIL asks the store only when the answer could be no.
 * A hint: what counts is decided in the transaction at the end of DATA.
 */
import type { ChargeScope } from '../policy/index.ts';

const MAX_ENTRIES = 50_000;

export class Exhaustion {
  /** False: had room when last asked. Absent: never asked since this process started. */
  readonly #suspect = new Map<string, boolean>();

  mustAsk(scopes: readonly ChargeScope[]): boolean {
    return scopes.some((scope) => isLimited(scope) && this.#suspect.get(scope.key) !== false);
  }

  learn(scopes: readonly ChargeScope[], exhausted: boolean): void {
    if (this.#suspect.size > MAX_ENTRIES) this.#suspect.clear();
    for (const scope of scopes) if (isLimited(scope)) this.#suspect.set(scope.key, exhausted);
  }

  /** Limits have changed: ask again. */
  forget(): void {
    this.#suspect.clear();
  }
}

function isLimited(scope: ChargeScope): boolean {
  return scope.windows.some((window) => window.limit !== null);
}
