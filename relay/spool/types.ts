/** The store's interface. Times are epoch milliseconds; a promise that resolves means: durable. */
import type { relayApi } from '@migosmtp/operator/api';
import type { ChargeDecision, ChargeScope, Refusal } from '../policy/index.ts';

export type Body =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  /** Too large for a row; durable under this name when the message is accepted, see `Spool.openBody`, `readLarge`. */
  | { readonly kind: 'file'; readonly name: string };

export interface Origin {
  /** Account UID; empty for mail of the relay itself. */
  readonly accountId: string;
  readonly namespace: string;
  readonly account: string;
  readonly username: string;
  readonly verifier: string;
}

/** What the client asked of delivery notifications (RFC 3461); values are decoded from xtext. */
export interface DsnRequest {
  readonly ret: 'FULL' | 'HDRS' | null;
  readonly envid: string | null;
  /** By address as in `recipients` of the message; one that is absent asked for nothing. */
  readonly recipients: Readonly<Record<string, RecipientDsn>>;
}

export interface RecipientDsn {
  /** Null: not given, which means FAILURE and perhaps DELAY. NEVER stands alone. */
  readonly notify: readonly ('NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY')[] | null;
  /** e.g. `rfc822;someone@example.com`. */
  readonly orcpt: string | null;
}

export interface MessageMeta extends Origin {
  readonly queueId: string;
  readonly messageId: string;
  /** `dsn` is mail that the relay writes itself: never charged, never bounced. */
  readonly kind: 'submission' | 'dsn';
  readonly envelopeFrom: string;
  /** Domain of the From header whose keys sign; empty: unsigned. */
  readonly signingDomain: string;
  /** Bytes of the rewritten header at the start of the stored message, with the empty line. */
  readonly headerSize: number;
  readonly size: number;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  /** Absent where nothing was asked for. */
  readonly dsn?: DsnRequest;
  readonly acceptedAt: number;
}

export interface NewMessage extends MessageMeta {
  readonly recipients: readonly string[];
  readonly body: Body;
  /** How long delivery may take, not counting the time that it is held. */
  readonly lifetimeMs: number;
}

export interface ClaimedRecipient {
  readonly id: number;
  readonly address: string;
  readonly attempts: number;
  readonly expiresAt: number;
  /** Why the workspace's mail to this recipient is not tried; absent: it is. Mail of the relay itself always is. */
  readonly suppressed?: string;
  /** The sender has been told that delivery takes long. */
  readonly delayNotified?: true;
}

/** A message that this process now delivers; `body` is absent where it has to be read from the store. */
export interface ClaimedMessage extends MessageMeta {
  readonly recipients: readonly ClaimedRecipient[];
  readonly body?: Body;
}

export type AcceptResult =
  | {
      readonly kind: 'accepted';
      readonly held: boolean;
      readonly claimed: readonly ClaimedRecipient[];
      /** True: one recipient more would not simply be sent, so that the next MAIL has to ask. */
      readonly exhausted: boolean;
    }
  | Refusal;

export interface AcceptOptions {
  /** Charged in the same transaction; none for mail of the relay itself. */
  readonly scopes: readonly ChargeScope[];
  /** True: the caller delivers at once and must record an outcome for each recipient. */
  readonly claim: boolean;
}

export interface RecipientOutcome {
  readonly id: number;
  readonly status: Extract<relayApi.DeliveryStatus, 'deferred' | 'delivered' | 'bounced' | 'suppressed'>;
  readonly response: string;
  readonly remoteHost: string | null;
  /** For `deferred`: when to try again. */
  readonly nextAttemptAt?: number;
  /** False where the message was not tried (its destination was known to be down). */
  readonly attempted: boolean;
  /** Put into the outbox in the same transaction, if the report changes. */
  readonly events?: readonly OutboxEvent[];
  /** The notification tells the sender that this recipient is delayed. */
  readonly delayNotified?: true;
}

/** A recipient that a workspace's mail is kept from; `recipient` is compared without regard to case. */
export interface NewSuppression {
  readonly namespace: string;
  readonly recipient: string;
  readonly reason: string;
  readonly queueId: string | null;
  readonly at: number;
}

export interface SuppressionFilter {
  readonly namespace?: string | undefined;
  readonly recipient?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Something that a webhook wants to know. `id` and `endpoint` together are unique: a second one is ignored. */
export interface OutboxEvent {
  /** The same in every attempt: receivers recognise repetitions by it. */
  readonly id: string;
  /** Name of the webhook. */
  readonly endpoint: string;
  readonly body: string;
  readonly at: number;
}

export interface ClaimedEvent extends OutboxEvent {
  readonly row: number;
  /** Attempts begun, this one included. */
  readonly attempts: number;
}

export interface EventStats {
  readonly waiting: number;
  /** When the next one is due; null: none waits. */
  readonly nextDueAt: number | null;
}

export interface Outcome {
  readonly at: number;
  readonly recipients: readonly RecipientOutcome[];
  /** Stored in the same transaction, so that a bounce is neither lost nor sent twice. */
  readonly notification?: NewMessage;
  readonly suppress?: readonly NewSuppression[];
}

/** One recipient of a message that was accepted here, whatever became of it. */
export interface KnownRecipient {
  readonly message: MessageMeta;
  readonly address: string;
  readonly status: relayApi.DeliveryStatus;
  readonly attempts: number;
}

/** A failure that was reported back after the next hop had taken the message. */
export interface LateBounce {
  readonly queueId: string;
  readonly recipientId: number;
  readonly at: number;
  readonly response: string;
  /** All of these are stored only with the change of state, so that a report that comes twice counts once. */
  readonly suppress?: readonly NewSuppression[];
  readonly notification?: NewMessage;
  readonly events?: readonly OutboxEvent[];
}

export interface ReportFilter {
  readonly namespace?: string | undefined;
  readonly account?: string | undefined;
  readonly queueId?: string | undefined;
  readonly messageId?: string | undefined;
  readonly recipient?: string | undefined;
  readonly status?: relayApi.DeliveryStatus | undefined;
  /** Only recipients that are not finished. */
  readonly queuedOnly?: boolean;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Counts of one window; `key` and `startMs` as in `ChargeScope`. */
export interface CountQuery {
  readonly key: string;
  readonly kind: string;
  readonly startMs: number;
}

export interface QueueStats {
  readonly queued: number;
  readonly held: number;
  /** Acceptance of the oldest recipient that is queued or deferred; null when the queue is empty. */
  readonly oldestAcceptedAt: number | null;
  /** When the recipient was due that is due for longest, those in work included; null: none waits. */
  readonly oldestDueAt: number | null;
}

export interface HeldGroup {
  readonly accountId: string;
  readonly namespace: string;
  readonly count: number;
}

export interface ReleaseGroup {
  readonly accountId: string;
  readonly scopes: readonly ChargeScope[];
}

export interface LoginUse {
  readonly accountId: string;
  readonly verifier: string;
  readonly at: number;
}

/** Writes a large body while it arrives; `finish` makes it durable, `abort` leaves nothing. */
export interface BodyWriter {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<Body>;
  abort(): Promise<void>;
}

/** Offsets in bytes; `end` is exclusive. */
export interface BodyRange {
  readonly start?: number;
  readonly end?: number;
}

/** What a store tells of its own accord. */
export interface SpoolListeners {
  /** Another process may have made something due, or held it, or let go of it. */
  changed(): void;
  /** The store was found not to work while nobody asked anything of it. */
  failed(error: unknown): void;
}

export interface Spool {
  watch(listeners: SpoolListeners): void;
  accept(message: NewMessage, options: AcceptOptions): Promise<AcceptResult>;
  /** Whether `count` more recipients would be taken now. */
  decide(scopes: readonly ChargeScope[], count: number): Promise<ChargeDecision>;
  openBody(queueId: string): Promise<BodyWriter>;
  /** Null where the content is not there, which only damage can bring about. */
  readBody(queueId: string): Promise<Body | null>;
  /** The bytes of a `file` body, a bounded part of it in memory at a time; throws where it is not there. */
  readLarge(name: string, range?: BodyRange): AsyncIterable<Uint8Array>;

  /** Due messages, oldest first, at most `limit` recipients, none of which is claimed already. */
  claim(now: number, limit: number): Promise<ClaimedMessage[]>;
  /** Whether delivery of these may (still) begin; false where another process may have taken them over. */
  holds(recipientIds: readonly number[]): boolean;
  /** Gives back what was claimed and not tried; it stays due. */
  unclaim(recipientIds: readonly number[]): Promise<void>;
  record(outcome: Outcome): Promise<void>;
  /** When the next unclaimed recipient is due; null: nothing waits. */
  nextDue(): Promise<number | null>;

  /** Null: no such recipient (any more). */
  findRecipient(queueId: string, recipientId: number): Promise<KnownRecipient | null>;
  /** Turns `delivered` into `bounced`; false where the recipient is not in that state, and nothing is stored then. */
  recordLateBounce(bounce: LateBounce): Promise<boolean>;

  /** Adds, or replaces the reason of those that are listed already. */
  suppress(entries: readonly NewSuppression[]): Promise<void>;
  /** False: it was not listed. */
  unsuppress(namespace: string, recipient: string): Promise<boolean>;
  /** Newest first. */
  suppressions(filter: SuppressionFilter): Promise<relayApi.SuppressionPage>;

  heldGroups(): Promise<HeldGroup[]>;
  /** Lets held recipients go, one of each account in turn, as far as the limits allow. Answers their number. */
  release(groups: readonly ReleaseGroup[], now: number): Promise<number>;
  /** Holds the queued mail of these accounts and lets that of all others go on. */
  setSuspended(accountIds: readonly string[], now: number): Promise<void>;

  counts(queries: readonly CountQuery[]): Promise<number[]>;
  recordLogins(uses: readonly LoginUse[]): Promise<void>;
  lastLogins(): Promise<LoginUse[]>;
  reports(filter: ReportFilter): Promise<relayApi.ReportPage>;
  stats(): Promise<QueueStats>;
  /** Makes an unfinished message due now; false: none of that id. */
  retry(queueId: string, now: number): Promise<boolean>;
  /** Makes everything due that waits for its next attempt, e.g. because there is another next hop now. */
  retryAll(now: number): Promise<number>;
  cancel(queueId: string, now: number): Promise<boolean>;
  /** Deletes messages that were accepted before `before` and are finished, a bounded number at a time. */
  sweep(before: number, now: number): Promise<number>;

  /** Puts events into the outbox that belong to no report. */
  addEvents(events: readonly OutboxEvent[]): Promise<void>;
  /** Due events, oldest first. Each is due again at `leaseUntil` unless it was settled by then. */
  claimEvents(now: number, leaseUntil: number, limit: number): Promise<ClaimedEvent[]>;
  /** `nextAttemptAt` null: done with, the event is deleted. */
  settleEvent(row: number, nextAttemptAt: number | null): Promise<void>;
  eventStats(): Promise<EventStats>;

  /** A small durable write, to find out whether the store works again. */
  probe(now: number): Promise<void>;
  close(): Promise<void>;
}
