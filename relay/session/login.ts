/** Logins: who may, how a refusal is answered, and what is remembered of it. */
import { relayApi } from '@migosmtp/operator/api';
import type { PasswordChecker } from '../credentials/index.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Account, Directory } from '../policy/index.ts';
import type { Client } from './client.ts';
import type { Lockout } from './lockout.ts';
import type { Session, SessionRegistry } from './registry.ts';
import { REPLIES, SmtpError } from './replies.ts';

export interface LoginOptions {
  readonly directory: Directory;
  readonly registry: SessionRegistry;
  readonly lockout: Lockout;
  readonly passwords: PasswordChecker;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly loginUsed: (account: Account, verifierId: string) => void;
}

/** Wrong passwords that one connection may try. */
const MAX_FAILURES = 3;

export class Login {
  readonly #options: LoginOptions;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  async login(client: Client, username: string, password: string): Promise<void> {
    const { directory, passwords, registry, lockout, metrics } = this.#options;
    const startedMs = Date.now();
    const session = registry.get(client);
    const account = directory.accountByUsername(username);
    const verifier = await passwords.check(account?.verifiers ?? [], password);
    // Asked again: a reset may have been applied while a slow verifier ran.
    const current = account && directory.accountById(account.id);
    const isListed = current?.verifiers.some(({ id }) => id === verifier?.id);
    if (!verifier || !current || current.suspended || !isListed) {
      return this.#refuse(session, { username, known: account !== undefined, startedMs });
    }
    registry.loggedIn(session, current, verifier.id);
    lockout.succeeded(username, client.address);
    metrics.logins.inc({ result: 'ok' });
    if (client.greeting !== relayApi.PROOF_EHLO_NAME) this.#options.loginUsed(current, verifier.id);
  }

  async #refuse(
    session: Session,
    attempt: { readonly username: string; readonly known: boolean; readonly startedMs: number },
  ): Promise<never> {
    const { lockout, metrics, log } = this.#options;
    const { id, address } = session.client;
    const verdict = lockout.failed(attempt.username, address, Date.now());
    session.failedLogins++;
    metrics.logins.inc({ result: 'refused' });
    // An unknown username is not logged: people paste passwords into that field.
    log.info({ session: id, address, username: attempt.known ? attempt.username : null }, 'login refused');
    await new Promise((resolve) => setTimeout(resolve, attempt.startedMs + verdict.delayMs - Date.now()));
    if (verdict.cut || session.failedLogins >= MAX_FAILURES) session.farewell = REPLIES.tooManyFailures;
    throw new SmtpError(REPLIES.authInvalid);
  }
}
