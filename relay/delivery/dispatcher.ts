/** One message on its way out: content, signatures, an attempt for each route, the outcome recorded. */
import { access, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeCause, RelayError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Directory } from '../policy/index.ts';
import {
  type ClaimedMessage,
  newQueueId,
  type NewMessage,
  type RecipientOutcome,
  type Spool,
} from '../spool/index.ts';
import { attempt } from './attempt.ts';
import { bounceMessage } from './dsn.ts';
import type { Router } from './route.ts';
import type { Signer } from './signer.ts';
import { suspendedAccounts } from './suspended.ts';
import type { Content } from './target.ts';

export interface DispatcherOptions {
  readonly spool: Spool;
  readonly directory: Directory;
  readonly signer: Signer;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Dispatched {
  /** When something of this message is due again; Infinity: nothing is. */
  readonly dueAt: number;
  /** The message brought forth another one (a bounce), which is due now. */
  readonly hasNotification: boolean;
}

const DSN_LIFETIME_MS = 5 * 24 * 3_600_000;
const RECORD_AGAIN_MS = 1_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** What could not be recorded when the process ends is sent again by the next one. */
  stop(): void {
    this.#stopped = true;
  }

  /** Throws only for faults of our own (store, files); the claim is then still held. */
  async dispatch(message: ClaimedMessage, router: Router): Promise<Dispatched> {
    const { spool, directory } = this.#options;
    if (directory.accountById(message.accountId)?.suspended) {
      await spool.unclaim(message.recipients.map(({ id }) => id));
      await spool.setSuspended(suspendedAccounts(directory), Date.now());
      return { dueAt: Infinity, hasNotification: false };
    }
    const content = await this.#content(message);
    if (!content) return this.#giveUp(message);
    const prefix = await this.#sign(message, content);
    const groups = Map.groupBy(message.recipients, ({ address }) => router.groupKey(address));
    const results = await Promise.all(
      [...groups].map(async ([key, recipients]) => {
        const route = await router.route(key);
        const moment = () => ({ nowMs: Date.now(), random: Math.random() });
        const { outcomes, unknown } = await attempt({ message, recipients, content, prefix }, route, moment);
        if (unknown) this.#options.metrics.unknownOutcomes.inc();
        return this.#record(message, outcomes, content);
      }),
    );
    return {
      dueAt: Math.min(...results.map((result) => result.dueAt)),
      hasNotification: results.some((result) => result.hasNotification),
    };
  }

  async #content(message: ClaimedMessage): Promise<Content | undefined> {
    const body = message.body ?? (await this.#options.spool.readBody(message.queueId));
    if (body?.kind !== 'file') return body ?? undefined;
    const path = this.#options.spool.bodyPath(body.name);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    return exists ? { kind: 'file', path } : undefined;
  }

  /** What the store has lost cannot be sent; its sender is told, and the rest of the queue flows on. */
  #giveUp(message: ClaimedMessage): Promise<Dispatched> {
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
    return this.#record(message, outcomes, { kind: 'inline', data: new Uint8Array() });
  }

  #sign(message: ClaimedMessage, content: Content): Promise<string> {
    const { directory, signer } = this.#options;
    const keys = directory.domain(message.signingDomain)?.dkim ?? [];
    const signing = keys.map((key) => ({ ...key, domain: message.signingDomain }));
    return signer.sign(content, message.headerSize, signing);
  }

  async #record(
    message: ClaimedMessage,
    outcomes: readonly RecipientOutcome[],
    content: Content,
  ): Promise<Dispatched> {
    const { spool, log } = this.#options;
    const at = Date.now();
    const notification = await this.#notification(message, outcomes, content);
    this.#report(message, outcomes);
    for (;;) {
      try {
        await spool.record({ at, recipients: outcomes, ...(notification && { notification }) });
        break;
      } catch (error) {
        // Delivered but not recorded would be delivered again: keep trying as long as the process lives.
        log.error({ queueId: message.queueId, cause: describeCause(error) }, 'outcome not recorded');
        if (this.#stopped) break;
        await sleep(RECORD_AGAIN_MS, undefined, { ref: false });
      }
    }
    const dueAt = Math.min(...outcomes.map(({ nextAttemptAt }) => nextAttemptAt ?? Infinity));
    return { dueAt, hasNotification: notification !== undefined };
  }

  async #notification(
    message: ClaimedMessage,
    outcomes: readonly RecipientOutcome[],
    content: Content,
  ): Promise<NewMessage | undefined> {
    const { metrics, directory } = this.#options;
    const addresses = new Map(message.recipients.map((recipient) => [recipient.id, recipient.address]));
    const failed = outcomes
      .filter(({ status }) => status === 'bounced')
      .map(({ id, response, remoteHost }) => ({ address: addresses.get(id) ?? '', response, remoteHost }));
    if (failed.length === 0) return undefined;
    if (message.envelopeFrom === '') {
      metrics.bounces.inc({ result: 'dropped' });
      return undefined;
    }
    metrics.bounces.inc({ result: 'sent' });
    const nowMs = Date.now();
    return bounceMessage({
      message,
      failed,
      header: await readHeader(content, message.headerSize),
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

async function readHeader(content: Content, headerSize: number): Promise<string> {
  if (content.kind === 'inline') {
    return Buffer.from(content.data.subarray(0, headerSize)).toString('latin1');
  }
  const file = await open(content.path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerSize), 0, headerSize, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
