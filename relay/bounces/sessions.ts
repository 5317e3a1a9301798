/** Who is connected to the bounce port: few at a time, none for long. */
import { type Client, REPLIES, SmtpError } from '../session/index.ts';

export interface BounceSession {
  readonly openedAt: number;
  commandAt: number;
  /** The reply to a whole report is owed: it is not cut off then. */
  committing: boolean;
}

const MAX_SESSIONS = 200;
const MAX_PER_ADDRESS = 10;
const SESSION_MS = 10 * 60_000;
const IDLE_MS = 60_000;
const SWEEP_MS = 1_000;

export class BounceSessions {
  readonly #sessions = new Map<Client, BounceSession>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#closeOverdue(Date.now()), SWEEP_MS);
    this.#timer.unref();
  }

  open(client: Client): void {
    const ofAddress = [...this.#sessions.keys()].filter(({ address }) => address === client.address).length;
    if (this.#sessions.size >= MAX_SESSIONS || ofAddress >= MAX_PER_ADDRESS)
      throw new SmtpError(REPLIES.tooManySessions);
    const now = Date.now();
    this.#sessions.set(client, { openedAt: now, commandAt: now, committing: false });
  }

  get(client: Client): BounceSession {
    const session = this.#sessions.get(client);
    if (!session) throw new SmtpError(REPLIES.shuttingDown);
    return session;
  }

  closed(client: Client): void {
    this.#sessions.delete(client);
  }

  /** Whoever has not sent all of a report sends it again. */
  stop(): void {
    clearInterval(this.#timer);
    for (const [client, { committing }] of this.#sessions)
      if (!committing) client.close(REPLIES.shuttingDown);
  }

  #closeOverdue(now: number): void {
    for (const [client, { openedAt, commandAt, committing }] of this.#sessions) {
      const isOverdue = now - openedAt > SESSION_MS || now - commandAt > IDLE_MS;
      if (isOverdue && !committing) client.close(REPLIES.tooSlow);
    }
  }
}
