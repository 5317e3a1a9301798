/** One message on its way out: content, signatures, an attempt for each transaction, the outcome recorded. */
import type { ReturnPaths } from '../bounces/return-paths.ts';
import { RelayError } from '../errors.ts';
import type { ReportTail } from '../admin/index.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Directory } from '../policy/index.ts';
import type { ClaimedMessage, ClaimedRecipient, RecipientOutcome, Spool } from '../spool/index.ts';
import type { Webhooks } from '../webhooks/index.ts';
import { attempt, type SignedContent } from './attempt.ts';
import { type Recorded, Recorder } from './recorder.ts';
import type { Router } from './route.ts';
import { toSevenBit } from './seven-bit/index.ts';
import type { Signer } from './signer.ts';
import { suspendedAccounts } from './suspended.ts';
import type { Content, WholeContent } from './target.ts';
import { type Transaction, transactionsOf } from './transactions.ts';

export interface DispatcherOptions {
  readonly spool: Spool;
  readonly directory: Directory;
  readonly signer: Signer;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Who listens to changes of reports. */
  readonly tail?: Pick<ReportTail, 'isHeard' | 'changed'>;
  /** Whom to tell of outcomes. */
  readonly webhooks?: Pick<Webhooks, 'hasReceivers' | 'reportChanged' | 'wake'>;
  /** Envelope senders for each recipient, while bounces are taken. */
  readonly returnPaths?: Pick<ReturnPaths, 'addressFor'>;
}

const NOTHING: Content = { kind: 'inline', data: new Uint8Array() };

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #recorder: Recorder;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#recorder = new Recorder(options);
  }

  /** What could not be recorded when the process ends is sent again by the next one. */
  stop(): void {
    this.#recorder.stop();
  }

  /** Throws only for faults of our own (store, files); the claim is then still held. */
  async dispatch(message: ClaimedMessage, router: Router): Promise<Recorded> {
    const { spool, directory } = this.#options;
    const ids = message.recipients.map(({ id }) => id);
    if (!spool.holds(ids)) {
      // We were away for so long that another process may be sending it by now.
      await spool.unclaim(ids);
      return { dueAt: Infinity, hasNotification: false };
    }
    if (directory.accountById(message.accountId)?.suspended) {
      await spool.unclaim(ids);
      await spool.setSuspended(suspendedAccounts(directory), Date.now());
      return { dueAt: Infinity, hasNotification: false };
    }
    const content = await this.#content(message);
    if (!content) return this.#giveUp(message);
    const suppressed = message.recipients.filter((recipient) => recipient.suppressed !== undefined);
    const wanted = message.recipients.filter((recipient) => recipient.suppressed === undefined);
    const transactions = transactionsOf(message, wanted, {
      routeKey: (address) => router.groupKey(address),
      returnPath: (recipient) => this.#options.returnPaths?.addressFor(message, recipient),
    });
    const prefix = wanted.length > 0 ? await this.#sign(message, content, message.headerSize) : '';
    let converting: Promise<SignedContent | undefined> | undefined;
    const sevenBit = () => (converting ??= this.#sevenBit(message, content));
    return combined(
      await Promise.all([
        ...(suppressed.length > 0 ? [this.#suppress(message, suppressed, content)] : []),
        ...transactions.map((transaction) =>
          this.#transact({ message, transaction, content, prefix, sevenBit, router }),
        ),
      ]),
    );
  }

  async #transact(work: Work): Promise<Recorded> {
    const { message, transaction, content, prefix, sevenBit, router } = work;
    const route = await router.route(transaction.routeKey);
    const moment = () => ({ nowMs: Date.now(), random: Math.random() });
    const { outcomes, unknown, dsnPassed } = await attempt(
      { ...transaction, message, content, prefix, sevenBit },
      route,
      moment,
    );
    if (unknown) this.#options.metrics.unknownOutcomes.inc();
    return this.#recorder.record(message, { outcomes, content, dsnPassed });
  }

  /** Not tried: the list says why, and the sender is told as for a bounce. */
  #suppress(
    message: ClaimedMessage,
    recipients: readonly ClaimedRecipient[],
    content: Content,
  ): Promise<Recorded> {
    const outcomes = recipients.map(({ id, suppressed }): RecipientOutcome => ({
      id,
      status: 'suppressed',
      response: `550 5.1.0 Not tried, the recipient is on the suppression list: ${suppressed ?? ''}`,
      remoteHost: null,
      attempted: false,
    }));
    return this.#recorder.record(message, { outcomes, content, dsnPassed: false });
  }

  async #content(message: ClaimedMessage): Promise<Content | undefined> {
    const { spool } = this.#options;
    // A large one is looked for each time: the store may have lost it since it was accepted.
    const body = message.body?.kind === 'inline' ? message.body : await spool.readBody(message.queueId);
    if (body?.kind !== 'file') return body ?? undefined;
    return { kind: 'stored', read: (range) => spool.readLarge(body.name, range) };
  }

  /** What the store has lost cannot be sent; its sender is told, and the rest of the queue flows on. */
  #giveUp(message: ClaimedMessage): Promise<Recorded> {
    const error = new RelayError('R_BODY_MISSING', { queueId: message.queueId });
    this.#options.log.error({ queueId: message.queueId, code: error.code }, error.message);
    const response = '554 5.3.0 The stored message is damaged';
    const outcomes = message.recipients.map(({ id }): RecipientOutcome => ({
      id,
      status: 'bounced',
      response,
      remoteHost: null,
      attempted: false,
    }));
    return this.#recorder.record(message, { outcomes, content: NOTHING, dsnPassed: false });
  }

  /** Converted before it is signed: what is signed is what the recipient gets (RFC 6376 section 5.3). */
  async #sevenBit(message: ClaimedMessage, content: Content): Promise<SignedContent | undefined> {
    const converted = await toSevenBit(content);
    if (!converted) return undefined;
    const { headerSize, ...rest } = converted;
    return { ...rest, prefix: await this.#sign(message, rest.content, headerSize) };
  }

  #sign(message: ClaimedMessage, content: WholeContent, headerSize: number): Promise<string> {
    const { directory, signer } = this.#options;
    const keys = directory.domain(message.signingDomain)?.dkim ?? [];
    const signing = keys.map((key) => ({ ...key, domain: message.signingDomain }));
    return signer.sign(content, headerSize, signing);
  }
}

interface Work {
  readonly message: ClaimedMessage;
  readonly transaction: Transaction;
  readonly content: Content;
  readonly prefix: string;
  readonly sevenBit: () => Promise<SignedContent | undefined>;
  readonly router: Router;
}

function combined(results: readonly Recorded[]): Recorded {
  return {
    dueAt: Math.min(...results.map((result) => result.dueAt)),
    hasNotification: results.some((result) => result.hasNotification),
  };
}
