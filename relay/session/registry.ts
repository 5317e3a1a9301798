/** All open sessions: who is logged in, what is overdue, and whom to send away when something changes. */
import { relayApi } from '@migosmtp/operator/api';
import type { Account } from '../policy/index.ts';
import type { Client } from './client.ts';
import { type DeadlineLimits, Deadlines } from './deadlines.ts';
import { sourceOf } from './lockout.ts';
import { type SourceLimits, Sources } from './sources.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

export type SessionCaps = SourceLimits & Pick<relayApi.SessionLimits, 'maxTotal' | 'maxPerAccount'>;

/** Where the configuration says nothing. */
export const SESSION_CAPS: SessionCaps = relayApi.sessionLimitsSchema.parse({});

export interface Session {
  readonly client: Client;
  readonly deadlines: Deadlines;
  login: { readonly accountId: string; readonly verifierId: string } | undefined;
  failedLogins: number;
  /** While the store decides, closing would leave the client without the reply that it is owed. */
  committing: boolean;
  /** Said once the reply that is owed was given. */
  farewell: SmtpReply | undefined;
}

const SWEEP_MS = 1_000;

export class SessionRegistry {
  readonly #caps: SessionCaps;
  readonly #deadlines: DeadlineLimits;
  readonly #sessions = new Map<Client, Session>();
  readonly #sources: Sources;
  readonly #perAccount = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #draining = false;

  constructor(caps: SessionCaps, deadlines: DeadlineLimits) {
    this.#caps = caps;
    this.#deadlines = deadlines;
    this.#sources = new Sources(caps);
    this.#timer = setInterval(() => this.#closeOverdue(Date.now()), SWEEP_MS);
    this.#timer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(client: Client): void {
    if (this.#draining) throw new SmtpError(REPLIES.shuttingDown);
    const isFull = this.#sessions.size >= this.#caps.maxTotal;
    if (isFull || !this.#sources.opened(sourceOf(client.address), Date.now())) {
      throw new SmtpError(REPLIES.tooManySessions);
    }
    this.#sessions.set(client, {
      client,
      deadlines: new Deadlines(Date.now(), this.#deadlines),
      login: undefined,
      failedLogins: 0,
      committing: false,
      farewell: undefined,
    });
  }

  get(client: Client): Session {
    const session = this.#sessions.get(client);
    // Closed by us while its last command was still on the way.
    if (!session) throw new SmtpError(REPLIES.shuttingDown);
    return session;
  }

  loggedIn(session: Session, account: Account, verifierId: string): void {
    const open = this.#perAccount.get(account.id) ?? 0;
    if (open >= this.#caps.maxPerAccount) throw new SmtpError(REPLIES.tooManySessions);
    this.#perAccount.set(account.id, open + 1);
    this.#sources.loggedIn(sourceOf(session.client.address));
    session.login = { accountId: account.id, verifierId };
    session.deadlines.authenticated();
  }

  closed(client: Client): void {
    const session = this.#sessions.get(client);
    if (!session) return;
    this.#sessions.delete(client);
    if (session.login) decrement(this.#perAccount, session.login.accountId);
    this.#sources.closed(sourceOf(client.address), session.login !== undefined);
  }

  /** Sends away every session whose login does not hold any more. */
  review(account: (id: string) => Account | undefined): number {
    let ended = 0;
    for (const session of this.#sessions.values()) {
      if (!session.login || isValid(session.login, account(session.login.accountId))) continue;
      this.end(session, REPLIES.sessionRevoked);
      ended++;
    }
    return ended;
  }

  end(session: Session, reply: SmtpReply): void {
    if (session.committing) session.farewell = reply;
    else session.client.close(reply);
  }

  /** After a reply: carries out what had to wait for it. */
  afterReply(client: Client): void {
    const session = this.#sessions.get(client);
    if (!session) return;
    if (session.farewell) session.client.close(session.farewell);
    else if (this.#draining && !client.inTransaction) session.client.close(REPLIES.shuttingDown);
  }

  /** Idle sessions go now, those within a transaction after its reply; resolves when all are gone or `graceMs` ends. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const session of this.#sessions.values()) {
      if (!session.client.inTransaction && !session.committing) session.client.close(REPLIES.shuttingDown);
    }
    const deadline = Date.now() + graceMs;
    while (this.#sessions.size > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const session of this.#sessions.values()) session.client.close(REPLIES.shuttingDown);
    clearInterval(this.#timer);
  }

  #closeOverdue(nowMs: number): void {
    this.#sources.forget(nowMs);
    for (const session of this.#sessions.values()) {
      if (!session.committing && session.deadlines.isOverdue(nowMs)) session.client.close(REPLIES.tooSlow);
    }
  }
}

function isValid(login: NonNullable<Session['login']>, account: Account | undefined): boolean {
  if (!account || account.suspended) return false;
  return account.verifiers.some((verifier) => verifier.id === login.verifierId);
}

function decrement(map: Map<string, number>, key: string): void {
  const left = (map.get(key) ?? 1) - 1;
  if (left > 0) map.set(key, left);
  else map.delete(key);
}
