/** Answers the library's questions: login, envelope, message. */
import { randomBytes } from 'node:crypto';
import { relayApi } from '@migosmtp/operator/api';
import type { PasswordChecker } from '../credentials/index.ts';
import type { Log } from '../log.ts';
import { type HeaderField, parseMailboxes, unfold } from '../message/index.ts';
import type { Metrics } from '../metrics.ts';
import {
  type Account,
  type Calendar,
  chargeScopes,
  type ChargeScope,
  decideSender,
  type Directory,
  refusalReply,
  type SenderDecision,
} from '../policy/index.ts';
import { type ClaimedMessage, type NewMessage, type Spool } from '../spool/index.ts';
import type { Client, DataStream, Envelope, Handlers } from './client.ts';
import { Exhaustion } from './exhaustion.ts';
import { Intake, type Taken } from './intake.ts';
import type { Lockout } from './lockout.ts';
import { checkRecipient } from './recipient.ts';
import type { Session, SessionRegistry } from './registry.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

/** Where accepted mail goes at once, as long as there is room; else it waits in the store. */
export interface AcceptedHandOver {
  readonly hasRoom: boolean;
  take(message: ClaimedMessage): void;
  /** Something waits in the store that was not handed over. */
  wake(): void;
  /** Something is held until a window opens. */
  wasHeld(): void;
}

export interface DialogueOptions {
  readonly directory: Directory;
  readonly calendar: Calendar;
  readonly spool: Spool;
  readonly registry: SessionRegistry;
  readonly lockout: Lockout;
  readonly passwords: PasswordChecker;
  readonly delivery: AcceptedHandOver;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Whether all shards are known, so that a login can be judged. */
  isComplete(): boolean;
  storeFailed(error: unknown): void;
  loginUsed(account: Account, verifierId: string): void;
  hostname(): string;
}

const LIFETIME_MS = 5 * 24 * 3_600_000;

export class Dialogue implements Handlers {
  readonly #options: DialogueOptions;
  readonly #exhaustion = new Exhaustion();

  constructor(options: DialogueOptions) {
    this.#options = options;
  }

  /** Limits may have changed with the directory. */
  directoryChanged(): void {
    this.#exhaustion.forget();
    this.#options.registry.review((id) => this.#options.directory.accountById(id));
  }

  connected(client: Client): void {
    this.#options.registry.open(client);
    this.#options.metrics.sessions.set(this.#options.registry.size);
  }

  closed(client: Client): void {
    this.#options.registry.closed(client);
    this.#options.metrics.sessions.set(this.#options.registry.size);
  }

  command(client: Client): void {
    this.#session(client).deadlines.command(Date.now());
  }

  replied(client: Client): void {
    this.#options.registry.afterReply(client);
  }

  failed(client: Client, error: unknown): void {
    this.#options.log.error({ session: client.id, error }, 'session handler failed');
  }

  loginOpen(): void {
    if (!this.#options.isComplete()) throw new SmtpError(REPLIES.authIncomplete);
  }

  async login(client: Client, username: string, password: string): Promise<void> {
    const { directory, passwords, registry, metrics } = this.#options;
    const startedMs = Date.now();
    const session = this.#session(client);
    const account = directory.accountByUsername(username);
    const verifier = await passwords.check(account?.verifiers ?? [], password);
    // Asked again: a reset may have been applied while a slow verifier ran.
    const current = account && directory.accountById(account.id);
    const stillListed = current?.verifiers.some(({ id }) => id === verifier?.id);
    if (!verifier || !current || current.suspended || !stillListed) {
      return this.#refuseLogin(session, { username: account?.username, tried: username, startedMs });
    }
    registry.loggedIn(session, current, verifier.id);
    this.#options.lockout.succeeded(username, client.address);
    metrics.logins.inc({ result: 'ok' });
    if (client.greeting !== relayApi.PROOF_EHLO_NAME) this.#options.loginUsed(current, verifier.id);
    this.#options.log.debug(
      { session: client.id, username: current.username, verifier: verifier.id },
      'logged in',
    );
  }

  async #refuseLogin(
    session: Session,
    attempt: { username: string | undefined; tried: string; startedMs: number },
  ): Promise<never> {
    const { lockout, metrics, log } = this.#options;
    const { client } = session;
    const verdict = lockout.failed(attempt.tried, client.address, Date.now());
    session.failedLogins++;
    metrics.logins.inc({ result: 'refused' });
    // An unknown username is not logged: people paste passwords into that field.
    log.info(
      { session: client.id, address: client.address, username: attempt.username ?? null },
      'login refused',
    );
    await new Promise((resolve) => setTimeout(resolve, attempt.startedMs + verdict.delayMs - Date.now()));
    if (verdict.cut || session.failedLogins >= 3) session.farewell = REPLIES.tooManyFailures;
    throw new SmtpError(REPLIES.authInvalid);
  }

  async mail(client: Client, from: string): Promise<void> {
    const { spool, metrics } = this.#options;
    const account = this.#account(client);
    const sender = decideSender(this.#options.directory, account, from);
    if (!sender.allowed) throw this.#refused(ENVELOPE_REPLIES[sender.why], metrics);
    const scopes = this.#scopes(account);
    if (!this.#exhaustion.mustAsk(scopes)) return;
    const decision = await this.#stored(spool.decide(scopes, 1));
    this.#exhaustion.learn(scopes, decision.kind !== 'send');
    if (decision.kind === 'refuse') throw this.#refused(refusalReply(decision), metrics);
  }

  recipient(client: Client, address: string): void {
    const { messageLimits } = this.#options.directory.settings ?? {};
    if (client.recipientCount >= (messageLimits?.maxRecipients ?? 100))
      throw new SmtpError(REPLIES.tooManyRecipients);
    checkRecipient(address);
  }

  async data(client: Client, envelope: Envelope, stream: DataStream): Promise<string> {
    const { spool, hostname } = this.#bound();
    const session = this.#session(client);
    const account = this.#account(client);
    const acceptedAt = Date.now();
    const queueId = newQueueId(acceptedAt);
    const intake = new Intake({
      spool,
      trace: {
        queueId,
        hostname,
        clientName: client.greeting,
        clientAddress: client.address,
        tls: client.tls,
        acceptedAt: new Date(acceptedAt),
      },
      checkHeader: (fields) => this.#checkHeader(account, fields),
    });
    try {
      const taken = await this.#receive(session, stream, intake);
      session.committing = true;
      const message = newMessage({ account, session, envelope, taken, queueId, acceptedAt });
      await this.#accept(message, this.#scopes(account));
      return `2.0.0 Ok: queued as ${queueId}`;
    } catch (error) {
      await intake.abort();
      throw error;
    } finally {
      session.committing = false;
    }
  }

  async #receive(session: Session, stream: DataStream, intake: Intake): Promise<Taken> {
    session.deadlines.dataStarted(Date.now());
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        session.deadlines.dataBytes(chunk.length);
        if (!stream.sizeExceeded) await this.#stored(intake.write(chunk));
      }
      if (stream.sizeExceeded) throw new SmtpError(REPLIES.tooBig);
      if (intake.refusal) throw this.#refused(intake.refusal.reply, this.#options.metrics);
      return await this.#stored(intake.finish());
    } finally {
      session.deadlines.dataEnded(Date.now());
    }
  }

  async #accept(message: NewMessage, scopes: readonly ChargeScope[]): Promise<void> {
    const { spool, delivery, metrics, log } = this.#options;
    const result = await this.#stored(spool.accept(message, { scopes, claim: delivery.hasRoom }));
    if (result.kind === 'refuse') {
      this.#exhaustion.learn(scopes, true);
      throw this.#refused(refusalReply(result), metrics);
    }
    if (result.exhausted) this.#exhaustion.learn(scopes, true);
    metrics.accepted.inc(message.recipients.length);
    log.info(
      {
        queueId: message.queueId,
        account: `${message.namespace}/${message.account}`,
        from: message.envelopeFrom,
        recipients: message.recipients.length,
        size: message.size,
        held: result.held,
      },
      'accepted',
    );
    if (result.claimed.length > 0) delivery.take({ ...message, recipients: result.claimed });
    else if (result.held) delivery.wasHeld();
    else delivery.wake();
  }

  #checkHeader(account: Account, fields: readonly HeaderField[]): string {
    const from = fields.filter((field) => field.name === 'from');
    const [only] = from;
    if (!only || from.length !== 1) throw new SmtpError(REPLIES.fromMissing);
    const addresses = parseMailboxes(unfold(only));
    if (!addresses) throw new SmtpError(REPLIES.fromMalformed);
    let signingDomain = '';
    for (const address of addresses) {
      const sender = decideSender(
        this.#options.directory,
        account,
        Buffer.from(address, 'latin1').toString(),
      );
      if (!sender.allowed) throw new SmtpError(HEADER_REPLIES[sender.why]);
      signingDomain ||= sender.domain.domain;
    }
    return signingDomain;
  }

  #account(client: Client): Account {
    const { login } = this.#session(client);
    const account = login && this.#options.directory.accountById(login.accountId);
    if (!account) throw new SmtpError(REPLIES.sessionRevoked);
    return account;
  }

  #scopes(account: Account): ChargeScope[] {
    const { directory, calendar } = this.#options;
    return chargeScopes(account, directory.workspace(account.namespace), { calendar, nowMs: Date.now() });
  }

  /** A store that fails is a temporary refusal, and makes the relay unready until it works again. */
  async #stored<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof SmtpError) throw error;
      this.#options.storeFailed(error);
      throw new SmtpError(REPLIES.storeFailed);
    }
  }

  #refused(reply: SmtpReply, metrics: Metrics): SmtpError {
    metrics.refused.inc({ code: `${reply.code}`, enhanced: reply.enhanced });
    return new SmtpError(reply);
  }

  #session(client: Client): Session {
    return this.#options.registry.get(client);
  }

  #bound(): { spool: Spool; hostname: string } {
    return { spool: this.#options.spool, hostname: this.#options.hostname() };
  }
}

type Why = Extract<SenderDecision, { allowed: false }>['why'];

const ENVELOPE_REPLIES: Record<Why, SmtpReply> = {
  'null-sender': REPLIES.senderNull,
  malformed: REPLIES.senderMalformed,
  domain: REPLIES.senderDomain,
  address: REPLIES.senderAddress,
};

const HEADER_REPLIES: Record<Why, SmtpReply> = {
  'null-sender': REPLIES.fromMalformed,
  malformed: REPLIES.fromMalformed,
  domain: REPLIES.fromDomain,
  address: REPLIES.fromAddress,
};

interface Parts {
  readonly account: Account;
  readonly session: Session;
  readonly envelope: Envelope;
  readonly taken: Taken;
  readonly queueId: string;
  readonly acceptedAt: number;
}

function newMessage({ account, session, envelope, taken, queueId, acceptedAt }: Parts): NewMessage {
  return {
    queueId,
    messageId: taken.messageId,
    kind: 'submission',
    accountId: account.id,
    namespace: account.namespace,
    account: account.name,
    username: account.username,
    verifier: session.login?.verifierId ?? '',
    envelopeFrom: envelope.from,
    signingDomain: taken.signingDomain,
    headerSize: taken.headerSize,
    size: taken.size,
    eightBit: taken.eightBit,
    smtpUtf8: envelope.smtpUtf8,
    acceptedAt,
    recipients: envelope.recipients,
    body: taken.body,
    lifetimeMs: LIFETIME_MS,
  };
}

/** Sorts by time and is unique over processes: 45 bits of milliseconds, 40 random ones. */
export function newQueueId(nowMs: number): string {
  const time = nowMs.toString(32).padStart(9, '0');
  return `${time}${randomBytes(5).readUIntBE(0, 5).toString(32).padStart(8, '0')}`.toUpperCase();
}
