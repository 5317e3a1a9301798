/**
 * Earlier passwords at their end: a login with each must be refused by every pod, not only acknowledged as gone.
 *
 * Flow: a mint remembers the password that it replaces; once the relay has forgotten its verifier, logins with it are
 * tried in the background, so that the next rotation need not wait for refusals, which relays delay.
 * Limits: passwords are in this process's memory only, and only so many; one that is not there any more (the operator
 * was restarted in the overlap) ends by the acknowledgement of every pod alone.
 */
import type { LoginProver } from '../../login/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import type { Key, Log } from '../../runtime/index.ts';
import { proveDead, RelayProblem } from './proof.ts';

export interface EndingPassword {
  /** Id of its verifier. */
  id: string;
  revision: number;
  username: string;
  password: string;
}

export type Retired = { is: 'refused' } | { is: 'accepted'; message: string };

export interface RetirementOptions {
  prover: LoginProver;
  log: Log;
  /** What the logins have shown; not called when no pod could say. */
  onResult: (key: Key, ended: EndingPassword, result: Retired) => void;
}

/** Two for every account of a large cluster would be megabytes: the oldest are forgotten. */
const MOST_REMEMBERED = 20_000;
const MOST_TRIES = 5;

export class Retirement {
  readonly #options: RetirementOptions;
  readonly #ending = new Map<string, EndingPassword>();

  constructor(options: RetirementOptions) {
    this.#options = options;
  }

  remember(key: Key, ending: EndingPassword): void {
    this.#ending.set(`${key}/${ending.id}`, ending);
    for (const oldest of this.#ending.keys()) {
      if (this.#ending.size <= MOST_REMEMBERED) break;
      this.#ending.delete(oldest);
    }
  }

  /** A brought password that was there before is published again: the end of its former verifier is not its own. */
  returns(key: Key, password: string): void {
    for (const [id, ending] of this.#ending) {
      if (ending.password === password && id.startsWith(`${key}/`)) this.#ending.delete(id);
    }
  }

  /** The relay has forgotten these verifiers of the account. Returns at once. */
  retired(key: Key, ids: readonly string[], handle: RelayHandle): void {
    for (const id of ids) {
      const ending = this.#ending.get(`${key}/${id}`);
      if (ending === undefined) continue;
      this.#ending.delete(`${key}/${id}`);
      void this.#prove(key, ending, handle);
    }
  }

  async #prove(key: Key, ending: EndingPassword, handle: RelayHandle): Promise<void> {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      try {
        await proveDead(this.#options.prover, handle, ending);
        this.#options.onResult(key, ending, { is: 'refused' });
        return;
      } catch (error) {
        if (!(error instanceof RelayProblem)) throw error;
        const isLast = attempt === MOST_TRIES;
        if (error.isAccepted && isLast) {
          this.#options.onResult(key, ending, { is: 'accepted', message: error.message });
        } else if (isLast) {
          const fields = { account: key, revision: ending.revision, err: error };
          this.#options.log.warn(fields, 'no pod could be asked to refuse an ended password');
        }
      }
    }
  }
}
