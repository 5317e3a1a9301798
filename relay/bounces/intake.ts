/** A report that came back: the recipient's state, the suppression list, and the report on its way to the sender. */
import type { Log } from '../log.ts';
import { formatDate } from '../message/index.ts';
import type { Metrics } from '../metrics.ts';
import {
  type KnownRecipient,
  newQueueId,
  type NewMessage,
  type OutboxEvent,
  type Spool,
} from '../spool/index.ts';
import type { ReportChange } from '../webhooks/index.ts';
import { isHardStatus } from './hard.ts';
import { type BounceReport, readBounce } from './report.ts';
import type { ReturnPath } from './token.ts';

export interface BounceIntakeOptions {
  readonly spool: Spool;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly hostname: () => string;
  /** A report is about to change so: what webhooks are told of it. */
  readonly changing: (change: ReportChange) => readonly OutboxEvent[];
  /** It has changed. */
  readonly changed: (change: ReportChange) => void;
  /** Mail became due. */
  readonly wake: () => void;
}

export interface Returned {
  readonly path: ReturnPath;
  readonly raw: Buffer;
  readonly headerSize: number;
  readonly from: string;
}

const LIFETIME_MS = 5 * 24 * 3_600_000;

export class BounceIntake {
  readonly #options: BounceIntakeOptions;

  constructor(options: BounceIntakeOptions) {
    this.#options = options;
  }

  /** Resolves once all of it is durable. What nobody waits for any more is taken and dropped. */
  async take(returned: Returned): Promise<void> {
    const { spool, metrics, log, wake } = this.#options;
    const { queueId, recipientId } = returned.path;
    const known = await spool.findRecipient(queueId, recipientId);
    const report = readBounce(returned.raw);
    const taken = known !== null && (await this.#record(returned, known, report));
    metrics.bouncesReceived.inc({ kind: taken ? report.kind : 'dropped' });
    const { kind, status, response } = report;
    log.info({ queueId, recipient: known?.address, kind, status, response, taken }, 'bounce');
    if (taken) wake();
  }

  /** False: nothing changed, e.g. because it came twice. */
  async #record(returned: Returned, known: KnownRecipient, report: BounceReport): Promise<boolean> {
    const { spool, changing, changed } = this.#options;
    const at = Date.now();
    const notification = this.#forward(returned, known, at);
    if (report.kind === 'failed') {
      const { namespace } = known.message;
      const { queueId, recipientId } = returned.path;
      const entry = { namespace, recipient: known.address, reason: report.response, queueId, at };
      const suppress = isHardStatus(report.status) ? [entry] : [];
      const { response } = report;
      const change = lateChange(known, recipientId, response, at);
      const events = changing(change);
      const bounce = { queueId, recipientId, at, response, suppress, notification, events };
      const isNews = await spool.recordLateBounce(bounce);
      if (isNews) changed(change);
      return isNews;
    }
    await spool.accept(notification, { scopes: [], claim: false });
    return true;
  }

  /** As it came, from the null sender: if it cannot be delivered either, it is dropped. */
  #forward({ raw, headerSize, from }: Returned, { message }: KnownRecipient, at: number): NewMessage {
    const queueId = newQueueId(at);
    const hostname = this.#options.hostname();
    const trace = Buffer.from(
      `Received: from ${from}\r\n\tby ${hostname} with ESMTP id ${queueId};\r\n\t${formatDate(new Date(at))}\r\n`,
      'latin1',
    );
    const data = Buffer.concat([trace, raw]);
    const { accountId, namespace, account, username, verifier } = message;
    return {
      accountId,
      namespace,
      account,
      username,
      verifier,
      queueId,
      messageId: `<${queueId}@${hostname}>`,
      kind: 'dsn',
      envelopeFrom: '',
      signingDomain: '',
      headerSize: trace.length + headerSize,
      size: data.length,
      eightBit: data.some((byte) => byte > 0x7f),
      smtpUtf8: false,
      acceptedAt: at,
      recipients: [message.envelopeFrom],
      body: { kind: 'inline', data },
      lifetimeMs: LIFETIME_MS,
    };
  }
}

function lateChange(
  { message, address, attempts }: KnownRecipient,
  id: number,
  response: string,
  at: number,
): ReportChange {
  const outcome = { id, status: 'bounced' as const, response, remoteHost: null, attempted: false };
  return { message, recipient: { id, address, attempts }, outcome, at };
}
