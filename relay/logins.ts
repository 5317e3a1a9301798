/** When each verifier was last used, written to the store once a second rather than at every login. */
import { describeCause } from './errors.ts';
import type { Log } from './log.ts';
import type { LoginUse, Spool } from './spool/index.ts';

const FLUSH_MS = 1_000;

export class LoginUses {
  readonly #spool: Spool;
  readonly #log: Log;
  #unsaved = new Map<string, LoginUse>();
  #timer: NodeJS.Timeout | undefined;

  constructor(spool: Spool, log: Log) {
    this.#spool = spool;
    this.#log = log;
  }

  used(accountId: string, verifier: string): void {
    this.#unsaved.set(`${accountId} ${verifier}`, { accountId, verifier, at: Date.now() });
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.flush().catch((error: unknown) =>
        this.#log.warn({ cause: describeCause(error) }, 'logins not stored'),
      );
    }, FLUSH_MS);
    this.#timer.unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const uses = [...this.#unsaved.values()];
    this.#unsaved = new Map();
    if (uses.length > 0) await this.#spool.recordLogins(uses);
  }

  async all(): Promise<LoginUse[]> {
    await this.flush();
    return this.#spool.lastLogins();
  }
}
