/** Writes down what became of recipients: outcome, notification and suppression in one transaction. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeCause } from '../errors.ts';
import {
  type ClaimedMessage,
  newQueueId,
  type NewMessage,
  type Outcome,
  type RecipientOutcome,
} from '../spool/index.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import { notificationMessage } from './dsn.ts';
import { type Notice, noticesOf, suppressionsOf } from './notices.ts';
import { readOriginal } from './returned-content.ts';
import type { Content } from './target.ts';

export interface Recorded {
  /** When something of this message is due again; Infinity: nothing is. */
  readonly dueAt: number;
  /** The message brought forth another one (a notification), which is due now. */
  readonly hasNotification: boolean;
}

export interface Settled {
  readonly outcomes: readonly RecipientOutcome[];
  readonly content: Content;
  /** The next hop has taken the request for notifications over. */
  readonly dsnPassed: boolean;
}

const DSN_LIFETIME_MS = 5 * 24 * 3_600_000;
const RECORD_AGAIN_MS = 1_000;

export class Recorder {
  readonly #options: DispatcherOptions;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  async record(message: ClaimedMessage, settled: Settled): Promise<Recorded> {
    const { outcomes, dsnPassed } = settled;
    const at = Date.now();
    const notices = noticesOf(message, outcomes, { nowMs: at, dsnPassed });
    const notification = await this.#notification(message, notices, settled.content);
    this.#report(message, outcomes);
    const recipients = this.#withEvents(message, withDelays(outcomes, notices), at);
    await this.#store(message, {
      at,
      recipients,
      suppress: suppressionsOf(message, outcomes, at),
      ...(notification && { notification }),
    });
    if (recipients.some(({ events }) => events)) this.#options.webhooks?.wake();
    this.#tell(message, outcomes, at);
    const dueAt = Math.min(...outcomes.map(({ nextAttemptAt }) => nextAttemptAt ?? Infinity));
    return { dueAt, hasNotification: notification !== undefined };
  }

  #tell(message: ClaimedMessage, outcomes: readonly RecipientOutcome[], at: number): void {
    const { tail } = this.#options;
    if (!tail?.isHeard) return;
    for (const outcome of outcomes) {
      const recipient = message.recipients.find(({ id }) => id === outcome.id);
      if (recipient) tail.changed(message, recipient, outcome, at);
    }
  }

  #withEvents(
    message: ClaimedMessage,
    outcomes: readonly RecipientOutcome[],
    at: number,
  ): readonly RecipientOutcome[] {
    const { webhooks } = this.#options;
    if (!webhooks?.hasReceivers) return outcomes;
    return outcomes.map((outcome) => {
      const recipient = message.recipients.find(({ id }) => id === outcome.id);
      const events = recipient && webhooks.reportChanged({ message, recipient, outcome, at });
      return events && events.length > 0 ? { ...outcome, events } : outcome;
    });
  }

  async #store(message: ClaimedMessage, outcome: Outcome): Promise<void> {
    const { spool, log } = this.#options;
    for (;;) {
      try {
        await spool.record(outcome);
        return;
      } catch (error) {
        // Delivered but not recorded would be delivered again: keep trying as long as the process lives.
        log.error({ queueId: message.queueId, cause: describeCause(error) }, 'outcome not recorded');
        if (this.#stopped) return;
        await sleep(RECORD_AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  async #notification(
    message: ClaimedMessage,
    notices: readonly Notice[],
    content: Content,
  ): Promise<NewMessage | undefined> {
    const { metrics, directory } = this.#options;
    if (notices.length === 0) return undefined;
    if (message.envelopeFrom === '') {
      if (notices.some(({ action }) => action === 'failed')) metrics.bounces.inc({ result: 'dropped' });
      return undefined;
    }
    metrics.bounces.inc({ result: 'sent' });
    const failed = notices.some(({ action }) => action === 'failed');
    const nowMs = Date.now();
    return notificationMessage({
      message,
      notices,
      original: await readOriginal(message, content, failed),
      hostname: directory.settings?.hostname ?? 'localhost',
      queueId: newQueueId(nowMs),
      nowMs,
      lifetimeMs: DSN_LIFETIME_MS,
    });
  }

  #report(message: ClaimedMessage, outcomes: readonly RecipientOutcome[]): void {
    const { metrics, log } = this.#options;
    const addresses = new Map(message.recipients.map((recipient) => [recipient.id, recipient.address]));
    for (const { id, status, response, remoteHost } of outcomes) {
      metrics.attempts.inc({ outcome: status });
      if (status === 'delivered') metrics.deliverySeconds.observe((Date.now() - message.acceptedAt) / 1_000);
      log.info({ queueId: message.queueId, recipient: addresses.get(id), response, remoteHost }, status);
    }
  }
}

function withDelays(
  outcomes: readonly RecipientOutcome[],
  notices: readonly Notice[],
): readonly RecipientOutcome[] {
  const delayed = new Set(
    notices.filter(({ action }) => action === 'delayed').map(({ recipient }) => recipient.id),
  );
  if (delayed.size === 0) return outcomes;
  return outcomes.map((outcome) => (delayed.has(outcome.id) ? { ...outcome, delayNotified: true } : outcome));
}
