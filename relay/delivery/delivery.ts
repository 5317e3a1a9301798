/** Drives delivery: what is ready, how much at once, when the next is due, what came of it. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { relayApi } from '@migosmtp/operator/api';
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Directory } from '../policy/index.ts';
import type {
  ClaimedMessage,
  ClaimedRecipient,
  NewMessage,
  RecipientOutcome,
  Spool,
} from '../spool/index.ts';
import { attempt } from './attempt.ts';
import { bounceMessage } from './dsn.ts';
import { ReadyQueue } from './ready.ts';
import { Router } from './route.ts';
import type { Signer } from './signer.ts';
import type { Content } from './target.ts';

export interface DeliveryOptions {
  readonly spool: Spool;
  readonly directory: Directory;
  readonly signer: Signer;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly newQueueId: (nowMs: number) => string;
}

/** Messages in work at once; connections are fewer, so that signing and recording overlap with sending. */
const MAX_ACTIVE = 50;
const MAX_READY_RECIPIENTS = 1_000;
const MAX_READY_BYTES = 32 * 1024 * 1024;
const CLAIM_AT_ONCE = 200;
/** Also bounds how late a clock that was set back or a missed wake-up can make us. */
const LOOK_AGAIN_MS = 30_000;
const DSN_LIFETIME_MS = 5 * 24 * 3_600_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #ready = new ReadyQueue();
  readonly #active = new Set<Promise<void>>();
  #router: Router | undefined;
  #settings = '';
  #refilling = false;
  #refillAgain = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #down = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Whether an accepted message is better handed over now than read from the store later. */
  get hasRoom(): boolean {
    return (
      !this.#stopped &&
      this.#router !== undefined &&
      this.#blockedUntil() === 0 &&
      this.#ready.recipients < MAX_READY_RECIPIENTS &&
      this.#ready.bytes < MAX_READY_BYTES
    );
  }

  take(message: ClaimedMessage): void {
    this.#ready.push(message);
    this.#pump();
  }

  /** Something in the store became due, or what blocked us may be gone. */
  wake(): void {
    this.#pump();
    void this.#refill();
  }

  /** Next hops are taken over when they changed; everything then goes the new way at once. */
  directoryChanged(): void {
    const { settings } = this.#options.directory;
    const key = JSON.stringify([settings?.delivery, settings?.hostname]);
    if (settings && key !== this.#settings) {
      this.#settings = key;
      this.#router?.close();
      this.#down = 0;
      this.#router = new Router({
        settings,
        onStateChange: (host, change) => this.#stateChanged(host, change),
      });
      this.#options.metrics.destinationsDown.set(0);
    }
    this.wake();
  }

  /** Lets what is on its way finish; the rest stays in the store. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.race([Promise.all(this.#active), sleep(graceMs, undefined, { ref: false })]);
    this.#router?.close();
  }

  #pump(): void {
    if (this.#stopped || !this.#router) return;
    const blocked = this.#blockedUntil();
    if (blocked > 0) {
      this.#wakeAt(blocked);
      return;
    }
    while (this.#active.size < MAX_ACTIVE) {
      const message = this.#ready.shift();
      if (!message) break;
      const work = this.#run(message, this.#router).finally(() => {
        this.#active.delete(work);
        this.#pump();
      });
      this.#active.add(work);
    }
    if (this.#refillAgain && this.#ready.recipients < CLAIM_AT_ONCE) void this.#refill();
  }

  /** With one next hop for all, its state is everybody's. */
  #blockedUntil(): number {
    return this.#router?.smarthost?.blockedUntil(Date.now()) ?? 0;
  }

  async #refill(): Promise<void> {
    this.#refillAgain = true;
    if (this.#refilling || this.#stopped) return;
    this.#refilling = true;
    try {
      while (this.#refillAgain && this.#ready.recipients < CLAIM_AT_ONCE && this.#canSend()) {
        this.#refillAgain = false;
        await this.#claim();
      }
    } catch (error) {
      this.#options.log.error({ cause: describeCause(error) }, 'the queue could not be read');
      this.#wakeAt(Date.now() + 1_000);
    } finally {
      this.#refilling = false;
    }
  }

  #canSend(): boolean {
    return !this.#stopped && this.#router !== undefined && this.#blockedUntil() === 0;
  }

  async #claim(): Promise<void> {
    const { spool } = this.#options;
    const messages = await spool.claim(Date.now(), CLAIM_AT_ONCE);
    for (const message of messages) this.#ready.push(message);
    this.#pump();
    const claimed = messages.reduce((sum, message) => sum + message.recipients.length, 0);
    if (claimed >= CLAIM_AT_ONCE) {
      this.#refillAgain = true;
    } else {
      const next = await spool.nextDue();
      this.#wakeAt(Math.min(next ?? Infinity, Date.now() + LOOK_AGAIN_MS));
    }
  }

  #wakeAt(at: number): void {
    if (this.#stopped || (at >= this.#timerAt && this.#timerAt > Date.now())) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.wake();
      },
      Math.min(Math.max(0, at - Date.now()), LOOK_AGAIN_MS),
    );
    this.#timer.unref();
  }

  async #run(message: ClaimedMessage, router: Router): Promise<void> {
    const { spool, directory, log } = this.#options;
    try {
      if (directory.accountById(message.accountId)?.suspended) {
        await spool.unclaim(message.recipients.map(({ id }) => id));
        await spool.setSuspended(suspendedAccounts(directory), Date.now());
        return;
      }
      const content = await this.#content(message);
      const prefix = await this.#sign(message, content);
      const groups = Map.groupBy(message.recipients, ({ address }) => router.groupKey(address));
      await Promise.all(
        [...groups].map(async ([key, recipients]) => {
          const work = { message, recipients, content, prefix };
          const route = await router.route(key);
          const { outcomes, unknown } = await attempt(work, route, () => ({
            nowMs: Date.now(),
            random: Math.random(),
          }));
          if (unknown) this.#options.metrics.unknownOutcomes.inc();
          await this.#record(message, outcomes, content);
        }),
      );
    } catch (error) {
      // Ours, not the next hop's: try again later rather than lose the claim.
      log.error({ queueId: message.queueId, cause: describeCause(error) }, 'delivery failed');
      await sleep(5_000, undefined, { ref: false });
      await spool.unclaim(message.recipients.map(({ id }) => id)).catch(() => undefined);
      this.#wakeAt(Date.now() + 1_000);
    }
  }

  async #content(message: ClaimedMessage): Promise<Content> {
    const body = message.body ?? (await this.#options.spool.readBody(message.queueId));
    if (body.kind === 'inline') return body;
    return { kind: 'file', path: this.#options.spool.bodyPath(body.name) };
  }

  #sign(message: ClaimedMessage, content: Content): Promise<string> {
    const domain = this.#options.directory.domain(message.signingDomain);
    const keys = (domain?.dkim ?? []).map((key) => ({ ...key, domain: message.signingDomain }));
    return this.#options.signer.sign(content, message.headerSize, keys);
  }

  async #record(
    message: ClaimedMessage,
    outcomes: readonly RecipientOutcome[],
    content: Content,
  ): Promise<void> {
    const at = Date.now();
    const notification = await this.#notification(message, outcomes, content);
    this.#report(message, outcomes);
    for (;;) {
      try {
        await this.#options.spool.record({ at, recipients: outcomes, ...(notification && { notification }) });
        break;
      } catch (error) {
        // Delivered but not recorded would be delivered again: keep trying as long as the process lives.
        this.#options.log.error(
          { queueId: message.queueId, cause: describeCause(error) },
          'outcome not recorded',
        );
        if (this.#stopped) return;
        await sleep(1_000, undefined, { ref: false });
      }
    }
    for (const { nextAttemptAt } of outcomes) if (nextAttemptAt !== undefined) this.#wakeAt(nextAttemptAt);
    if (notification) void this.#refill();
  }

  async #notification(
    message: ClaimedMessage,
    outcomes: readonly RecipientOutcome[],
    content: Content,
  ): Promise<NewMessage | undefined> {
    const { bounces } = this.#options.metrics;
    const addresses = new Map(message.recipients.map((recipient) => [recipient.id, recipient.address]));
    const failed = outcomes
      .filter(({ status }) => status === 'bounced')
      .map(({ id, response, remoteHost }) => ({ address: addresses.get(id) ?? '', response, remoteHost }));
    if (failed.length === 0) return undefined;
    if (message.envelopeFrom === '') {
      bounces.inc({ result: 'dropped' });
      return undefined;
    }
    bounces.inc({ result: 'sent' });
    const nowMs = Date.now();
    return bounceMessage({
      message,
      failed,
      header: await readHeader(content, message.headerSize),
      hostname: this.#options.directory.settings?.hostname ?? 'localhost',
      queueId: this.#options.newQueueId(nowMs),
      nowMs,
      lifetimeMs: DSN_LIFETIME_MS,
    });
  }

  #report(message: ClaimedMessage, outcomes: readonly RecipientOutcome[]): void {
    const { metrics, log } = this.#options;
    const recipients = new Map<number, ClaimedRecipient>(
      message.recipients.map((entry) => [entry.id, entry]),
    );
    for (const { id, status, response, remoteHost } of outcomes) {
      metrics.attempts.inc({ outcome: status });
      if (status === 'delivered') metrics.deliverySeconds.observe((Date.now() - message.acceptedAt) / 1_000);
      const recipient = recipients.get(id)?.address;
      log.info({ queueId: message.queueId, recipient, response, remoteHost }, status);
    }
  }

  #stateChanged(host: string, change: { up: boolean; cause: string; stage: string }): void {
    const { log, metrics } = this.#options;
    this.#down += change.up ? -1 : 1;
    metrics.destinationsDown.set(this.#down);
    if (change.up) {
      log.info({ host }, 'next hop is back');
      this.wake();
    } else {
      log.error({ host, stage: change.stage, cause: change.cause }, 'next hop refuses us; mail is kept');
    }
  }
}

export function suspendedAccounts(directory: Directory): string[] {
  return [...directory.accounts()]
    .filter((account: relayApi.AccountConfig) => account.suspended)
    .map(({ id }) => id);
}

async function readHeader(content: Content, headerSize: number): Promise<string> {
  if (content.kind === 'inline') {
    return Buffer.from(content.data.buffer, content.data.byteOffset, headerSize).toString('latin1');
  }
  const file = await open(content.path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerSize), 0, headerSize, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
