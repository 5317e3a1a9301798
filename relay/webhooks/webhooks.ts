/** From the outbox to the receivers: bounded, each receiver with its own backoff, nothing in order. */
import type { relayApi } from '@migosmtp/operator/api';
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Account, ChargeScope, Directory } from '../policy/index.ts';
import type { ClaimedEvent, OutboxEvent, Spool } from '../spool/index.ts';
import { attempt } from './attempt.ts';
import { limitEvents, limitId, type ReportChange, reportEvents } from './events.ts';
import { GIVE_UP_MS, retryDelay } from './retry.ts';

export interface WebhooksOptions {
  readonly spool: Spool;
  readonly directory: Directory;
  readonly metrics: Metrics;
  readonly log: Log;
}

const MAX_ACTIVE = 10;
/** Longer than one attempt may take: after a crash the event is sent again then. */
const LEASE_MS = 60_000;
const LOOK_AGAIN_MS = 30_000;
/** With so many waiting, receivers have been away for long: new events are dropped and counted. */
const MAX_WAITING = 100_000;
const MAX_REMEMBERED = 10_000;

interface Receiver {
  failures: number;
  blockedUntil: number;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #reached = new Set<string>();
  #active = 0;
  #waiting = 0;
  #isClaiming = false;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  get #webhooks(): readonly relayApi.Webhook[] {
    return this.#options.directory.settings?.webhooks ?? [];
  }

  get hasReceivers(): boolean {
    return this.#webhooks.length > 0;
  }

  /** Events to be written with a report's change; none as long as nobody wants them. */
  reportChanged(change: ReportChange): readonly OutboxEvent[] {
    if (this.#webhooks.length === 0) return [];
    return this.#admit(reportEvents(this.#webhooks, change));
  }

  /** Looks which of the limits are reached, and tells of each once in its window. */
  async limitReached(
    scopes: readonly ChargeScope[],
    { namespace, name: account }: Pick<Account, 'namespace' | 'name'>,
  ): Promise<void> {
    if (!this.#webhooks.some(({ events }) => events.includes('LimitReached'))) return;
    const at = Date.now();
    const { spool, log } = this.#options;
    const limited = scopes.flatMap((scope) =>
      scope.windows.flatMap((window) =>
        window.limit === null || this.#reached.has(limitId(scope, window))
          ? []
          : [{ scope, window, limit: window.limit }],
      ),
    );
    try {
      const used = await spool.counts(
        limited.map(({ scope, window }) => ({ key: scope.key, kind: window.kind, startMs: window.startMs })),
      );
      const full = limited.flatMap((entry, i) => {
        const count = used[i] ?? 0;
        return count >= entry.limit ? [{ ...entry, namespace, account, used: count }] : [];
      });
      if (full.length === 0) return;
      await spool.addEvents(this.#admit(full.flatMap((entry) => limitEvents(this.#webhooks, entry, at))));
      if (this.#reached.size > MAX_REMEMBERED) this.#reached.clear();
      for (const { scope, window } of full) this.#reached.add(limitId(scope, window));
      this.wake();
    } catch (error) {
      log.warn({ cause: describeCause(error) }, 'a reached limit could not be told');
    }
  }

  /** Events may be due. */
  wake(): void {
    if (this.#stopped || this.#webhooks.length === 0) return;
    this.#again = true;
    if (!this.#isClaiming) void this.#work();
  }

  directoryChanged(): void {
    // A corrected address is tried at once.
    this.#receivers.clear();
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #admit(events: OutboxEvent[]): OutboxEvent[] {
    if (this.#waiting < MAX_WAITING) {
      this.#waiting += events.length;
      return events;
    }
    this.#options.metrics.webhookEvents.inc({ result: 'dropped' }, events.length);
    return [];
  }

  async #work(): Promise<void> {
    const { spool, log } = this.#options;
    this.#isClaiming = true;
    try {
      while (this.#again && this.#active < MAX_ACTIVE && !this.#stopped) {
        this.#again = false;
        const now = Date.now();
        const room = MAX_ACTIVE - this.#active;
        const claimed = await spool.claimEvents(now, now + LEASE_MS, room);
        for (const event of claimed) void this.#run(event);
        if (claimed.length === room) this.#again = true;
      }
      const { waiting, nextDueAt } = await spool.eventStats();
      this.#waiting = waiting;
      this.#options.metrics.webhookWaiting.set(waiting);
      this.#waitUntil(nextDueAt ?? Infinity);
    } catch (error) {
      log.warn({ cause: describeCause(error) }, 'the outbox could not be read');
      this.#waitUntil(Date.now() + 1_000);
    } finally {
      this.#isClaiming = false;
    }
    // Woken while the figures were read.
    if (this.#again && this.#active < MAX_ACTIVE) this.#waitUntil(0);
  }

  #waitUntil(at: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const delay = Math.min(Math.max(10, at - Date.now()), LOOK_AGAIN_MS);
    this.#timer = setTimeout(() => this.wake(), delay);
    this.#timer.unref();
  }

  async #run(event: ClaimedEvent): Promise<void> {
    const { spool, log, metrics } = this.#options;
    this.#active++;
    try {
      const { result, nextAttemptAt } = await this.#send(event);
      if (result) metrics.webhookEvents.inc({ result });
      await spool.settleEvent(event.row, nextAttemptAt);
    } catch (error) {
      // The lease ends and it is sent again: receivers know it by its id.
      log.warn({ event: event.id, cause: describeCause(error) }, 'an event could not be settled');
    } finally {
      this.#active--;
      this.wake();
    }
  }

  /** What became of it, and when it is due again; null: never. */
  async #send(event: ClaimedEvent): Promise<{ result?: string; nextAttemptAt: number | null }> {
    const webhook = this.#webhooks.find(({ name }) => name === event.endpoint);
    const now = Date.now();
    if (!webhook || now - event.at > GIVE_UP_MS) return { result: 'dropped', nextAttemptAt: null };
    const receiver = this.#receivers.get(webhook.name) ?? { failures: 0, blockedUntil: 0 };
    this.#receivers.set(webhook.name, receiver);
    if (now < receiver.blockedUntil) {
      return { nextAttemptAt: receiver.blockedUntil + Math.round(Math.random() * 1_000) };
    }
    // While it fails one event at a time finds out; the others wait for that.
    if (receiver.failures > 0) receiver.blockedUntil = now + LEASE_MS;
    const { verdict, cause } = await attempt(webhook, event);
    if (verdict !== 'failed') {
      Object.assign(receiver, { failures: 0, blockedUntil: 0 });
      return { result: verdict, nextAttemptAt: null };
    }
    receiver.failures++;
    receiver.blockedUntil = Date.now() + retryDelay(receiver.failures, Math.random());
    this.#options.log.warn(
      { webhook: webhook.name, event: event.id, cause },
      'a webhook did not take an event',
    );
    return { result: 'failed', nextAttemptAt: receiver.blockedUntil };
  }
}
