/** Envelope and message of a logged-in client, up to the durable accept. */
import type { ReportTail } from '../admin/index.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import {
  type Account,
  type Calendar,
  type ChargeScope,
  type Directory,
  KnownScopes,
  refusalReply,
} from '../policy/index.ts';
import { type ClaimedMessage, newQueueId, type NewMessage, type Spool } from '../spool/index.ts';
import type { Client, Envelope, Receiving } from './client.ts';
import { Exhaustion } from './exhaustion.ts';
import { Intake } from './intake.ts';
import { newMessage } from './new-message.ts';
import { Reception } from './reception.ts';
import { wireRecipient } from './recipient.ts';
import type { SessionRegistry } from './registry.ts';
import { checkFrom, envelopeRefusal } from './sender-check.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

/** Where accepted mail goes at once, as long as there is room; else it waits in the store. */
export interface AcceptedHandOver {
  hasRoomFor(accountId: string): boolean;
  take(message: ClaimedMessage): void;
  /** Something waits in the store that was not handed over. */
  wake(): void;
  /** Something is held until a window opens. */
  wasHeld(): void;
}

export interface SubmissionOptions {
  readonly directory: Directory;
  readonly calendar: Calendar;
  readonly spool: Spool;
  readonly registry: SessionRegistry;
  readonly delivery: AcceptedHandOver;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly storeFailed: (error: unknown) => void;
  /** False from a failure of the store until it works again. */
  readonly isStoreWritable: () => boolean;
  readonly hostname: () => string;
  /** Who listens to changes of reports. */
  readonly tail: Pick<ReportTail, 'isHeard' | 'accepted'>;
  /** Nothing, or not enough, is left of one of these. */
  readonly limitReached: (scopes: readonly ChargeScope[], account: Account) => void;
}

const DEFAULT_MAX_RECIPIENTS = 100;
export const DEFAULT_MAX_SIZE = 25 * 1024 * 1024;

export interface Given {
  readonly from: string;
  readonly to: string;
  readonly data: Buffer;
}

export class Submission {
  readonly #options: SubmissionOptions;
  readonly #exhaustion = new Exhaustion();
  readonly #knownScopes: KnownScopes;

  constructor(options: SubmissionOptions) {
    this.#options = options;
    this.#knownScopes = new KnownScopes(options.calendar);
  }

  directoryChanged(): void {
    this.#exhaustion.forget();
  }

  /** A promise only where the limits may be used up. */
  mail(client: Client, from: string): Promise<void> | undefined {
    const account = this.#account(client);
    // Before the client sends a message that cannot be kept.
    if (!this.#options.isStoreWritable()) throw this.#refused(REPLIES.storeFailed);
    const refusal = envelopeRefusal(this.#options.directory, account, from);
    if (refusal) throw this.#refused(refusal);
    const scopes = this.#scopes(account);
    return this.#exhaustion.mustAsk(scopes) ? this.#ask(scopes, account) : undefined;
  }

  async #ask(scopes: readonly ChargeScope[], account: Account): Promise<void> {
    const decision = await this.#stored(this.#options.spool.decide(scopes, 1));
    this.#exhaustion.learn(scopes, decision.kind !== 'send');
    if (decision.kind !== 'send') this.#options.limitReached(scopes, account);
    if (decision.kind === 'refuse') throw this.#refused(refusalReply(decision));
  }

  recipient(client: Client, address: string): string {
    const { messageLimits } = this.#options.directory.settings ?? {};
    const max = messageLimits?.maxRecipients ?? DEFAULT_MAX_RECIPIENTS;
    if (client.recipientCount >= max) throw this.#refused(REPLIES.tooManyRecipients);
    return wireRecipient(address);
  }

  data(client: Client, envelope: Envelope): Receiving {
    const { spool, registry, directory, hostname } = this.#options;
    const session = registry.get(client);
    const account = this.#account(client);
    const acceptedAt = Date.now();
    const queueId = newQueueId(acceptedAt);
    const trace = {
      queueId,
      hostname: hostname(),
      clientName: client.greeting,
      clientAddress: client.address,
      tls: client.tls,
      acceptedAt: new Date(acceptedAt),
    };
    return new Reception({
      session,
      intake: new Intake({ spool, trace, checkHeader: (fields) => checkFrom(directory, account, fields) }),
      maxSize: directory.settings?.messageLimits.maxSize ?? DEFAULT_MAX_SIZE,
      stored: (work) => this.#stored(work),
      accept: async (taken) => {
        const verifier = session.login?.verifierId ?? '';
        await this.#accept(newMessage({ account, verifier, envelope, taken, queueId, acceptedAt }), account);
        return `Ok: queued as ${queueId}`;
      },
      refused: ({ reply }) => this.#refused(reply),
    });
  }

  /** A small message that no session brought, under all rules of its account; throws SmtpError. */
  async submitFor(
    account: Account,
    { from, to, data }: Given,
  ): Promise<{ queueId: string; messageId: string }> {
    const { directory, spool, hostname } = this.#options;
    const refusal = envelopeRefusal(directory, account, from);
    if (refusal) throw this.#refused(refusal);
    const acceptedAt = Date.now();
    const queueId = newQueueId(acceptedAt);
    const client = { clientName: 'admin-api', clientAddress: '127.0.0.1', tls: 'TLS' };
    const trace = { queueId, hostname: hostname(), ...client, acceptedAt: new Date(acceptedAt) };
    const intake = new Intake({
      spool,
      trace,
      checkHeader: (fields) => checkFrom(directory, account, fields),
    });
    await intake.write(data);
    if (intake.refusal) throw this.#refused(intake.refusal.reply);
    const taken = await intake.finish();
    const smtpUtf8 = /[^ -~]/.test(from + to);
    const envelope = { from, recipients: [wireRecipient(to)], smtpUtf8, dsn: undefined };
    await this.#accept(newMessage({ account, verifier: '', envelope, taken, queueId, acceptedAt }), account);
    return { queueId, messageId: taken.messageId };
  }

  async #accept(message: NewMessage, account: Account): Promise<void> {
    const { spool, delivery, metrics, log, tail } = this.#options;
    const scopes = this.#scopes(account);
    const result = await this.#stored(
      spool.accept(message, { scopes, claim: delivery.hasRoomFor(message.accountId) }),
    );
    if (result.kind === 'refuse' || result.exhausted) {
      this.#exhaustion.learn(scopes, true);
      this.#options.limitReached(scopes, account);
    }
    if (result.kind === 'refuse') throw this.#refused(refusalReply(result));
    metrics.accepted.inc(message.recipients.length);
    const { queueId, namespace, envelopeFrom, size, recipients } = message;
    const entry = { queueId, account: `${namespace}/${message.account}`, from: envelopeFrom, size };
    log.info({ ...entry, recipients: recipients.length, held: result.held }, 'accepted');
    if (tail.isHeard) tail.accepted(message, recipients, result.held);
    if (result.claimed.length > 0) delivery.take({ ...message, recipients: result.claimed });
    else if (result.held) delivery.wasHeld();
    else delivery.wake();
  }

  #account(client: Client): Account {
    const { login } = this.#options.registry.get(client);
    const account = login && this.#options.directory.accountById(login.accountId);
    if (!account) throw new SmtpError(REPLIES.sessionRevoked);
    return account;
  }

  #scopes(account: Account): readonly ChargeScope[] {
    return this.#knownScopes.of(account, this.#options.directory.workspace(account.namespace), Date.now());
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

  #refused(reply: SmtpReply): SmtpError {
    this.#options.metrics.refused.inc({ code: String(reply.code), enhanced: reply.enhanced });
    return new SmtpError(reply);
  }
}
