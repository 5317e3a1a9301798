/** Drives delivery: what is ready, how much at once, when the next is due. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeCause } from '../errors.ts';
import type { ClaimedMessage } from '../spool/index.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import type { Deadlines } from './deadlines.ts';
import type { DnsOptions } from './dns.ts';
import { type LaneLimits, Lanes } from './lanes.ts';
import { parcelsOf, postpone } from './parcels.ts';
import { type Parcel, ReadyQueue } from './ready.ts';
import { Router } from './route.ts';

/** Messages in work at once; connections are fewer, so that signing and recording overlap with sending. */
const SMARTHOST_LIMITS = { total: 50, perDestination: 50 };
/** Each destination takes up little, so that some thirty may hang at once before others feel it. */
const DIRECT_LIMITS = { total: 250, perDestination: 8 };
/** What waits for a destination that hangs leaves the memory to the mail for others, and comes back later. */
const STUCK_MS = 10_000;
const LOOK_FOR_STUCK_MS = 5_000;
/** A next hop that is down is asked with one message, not with fifty. */
const PROBE_LIMITS = { total: 1, perDestination: 1 };
const MAX_READY_RECIPIENTS = 4_000;
/** What more an account has to send is read from the store later, so that there is room for the mail of others. */
const MAX_READY_PER_ACCOUNT = 500;
const MAX_READY_BYTES = 32 * 1024 * 1024;
const CLAIM_AT_ONCE = 200;
/** Also bounds how late a clock that was set back or a missed wake-up can make us. */
const LOOK_AGAIN_MS = 30_000;
const AFTER_FAULT_MS = 5_000;

export interface DeliveryOptions extends DispatcherOptions {
  readonly deadlines?: Deadlines;
  readonly dns?: DnsOptions | undefined;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #dispatcher: Dispatcher;
  readonly #ready = new ReadyQueue();
  readonly #active = new Set<Promise<void>>();
  readonly #lanes = new Lanes();
  #router: Router | undefined;
  #settings = '';
  #refilling = false;
  #refillAgain = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  readonly #stuckTimer: NodeJS.Timeout;
  #down = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher(options);
    this.#stuckTimer = setInterval(() => this.#postponeStuck(), LOOK_FOR_STUCK_MS);
    this.#stuckTimer.unref();
  }

  /** Whether an accepted message is better handed over now than read from the store later. */
  hasRoomFor(accountId: string): boolean {
    return (
      !this.#stopped &&
      this.#router !== undefined &&
      this.#blockedUntil() === 0 &&
      this.#ready.ofAccount(accountId) < MAX_READY_PER_ACCOUNT &&
      this.#ready.recipients < MAX_READY_RECIPIENTS &&
      this.#ready.bytes < MAX_READY_BYTES
    );
  }

  take(message: ClaimedMessage): void {
    this.#push(message);
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
      const isChange = this.#router !== undefined;
      this.#router?.close();
      this.#down = 0;
      this.#options.metrics.destinationsDown.set(0);
      this.#router = new Router({
        settings,
        deadlines: this.#options.deadlines,
        dns: this.#options.dns,
        log: this.#options.log,
        onStateChange: (host, change) => this.#stateChanged(host, change),
      });
      if (isChange) void this.#retryAll();
    }
    this.wake();
  }

  /** Times in the queue and in the state of next hops mean something else now: look at everything anew. */
  clockJumped(): void {
    this.#settings = '';
    this.directoryChanged();
  }

  /** What the old next hop put off may go at once by the new one. */
  async #retryAll(): Promise<void> {
    const { spool, log } = this.#options;
    try {
      await spool.retryAll(Date.now());
      this.wake();
    } catch (error) {
      log.error({ cause: describeCause(error) }, 'the queue could not be hastened');
    }
  }

  /** Lets what is on its way finish; the rest stays in the store. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#stuckTimer);
    await Promise.race([Promise.all(this.#active), sleep(graceMs, undefined, { ref: false })]);
    this.#dispatcher.stop();
    this.#router?.close();
  }

  #pump(): void {
    if (this.#stopped || !this.#router) return;
    const blocked = this.#blockedUntil();
    if (blocked > 0) {
      this.#wakeAt(blocked);
      return;
    }
    const limits = this.#limits;
    const hasRoom = (destination: string) => this.#lanes.hasRoom(destination, limits);
    for (let parcel = this.#ready.shift(hasRoom); parcel; parcel = this.#ready.shift(hasRoom)) {
      this.#start(parcel, this.#router);
    }
    if (this.#refillAgain && this.#ready.recipients < CLAIM_AT_ONCE) void this.#refill();
  }

  #start({ message, destination }: Parcel, router: Router): void {
    this.#lanes.enter(destination, Date.now());
    const work = this.#run(message, router).finally(() => {
      this.#lanes.leave(destination, Date.now());
      this.#active.delete(work);
      this.#pump();
    });
    this.#active.add(work);
  }

  get #limits(): LaneLimits {
    const smarthost = this.#router?.smarthost;
    if (!smarthost) return DIRECT_LIMITS;
    return smarthost.isDown ? PROBE_LIMITS : SMARTHOST_LIMITS;
  }

  #push(message: ClaimedMessage): void {
    for (const parcel of parcelsOf(message, this.#router)) {
      if (this.#isStuck(parcel.destination)) this.#postpone(parcel);
      else this.#ready.push(parcel);
    }
  }

  #postponeStuck(): void {
    const stuck = this.#ready.destinations().filter((destination) => this.#isStuck(destination));
    for (const destination of stuck)
      this.#ready.remove(destination).forEach((parcel) => this.#postpone(parcel));
    if (stuck.length > 0) void this.#refill();
  }

  /** A smarthost is everybody's: there is nobody to make room for. */
  #isStuck(destination: string): boolean {
    const at = { nowMs: Date.now(), ms: STUCK_MS };
    return destination !== '' && this.#lanes.isStuck(destination, DIRECT_LIMITS, at);
  }

  #postpone(parcel: Parcel): void {
    void postpone(parcel, this.#options).then((at) => this.#wakeAt(at));
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
    for (const message of messages) this.#push(message);
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
    if (this.#stopped || !Number.isFinite(at) || (at >= this.#timerAt && this.#timerAt > Date.now())) return;
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
    const { spool, log } = this.#options;
    try {
      const { dueAt, hasNotification } = await this.#dispatcher.dispatch(message, router);
      this.#wakeAt(dueAt);
      if (hasNotification) void this.#refill();
    } catch (error) {
      // Ours, not the next hop's: try again later rather than lose the claim.
      log.error({ queueId: message.queueId, cause: describeCause(error) }, 'delivery failed');
      await sleep(AFTER_FAULT_MS, undefined, { ref: false });
      await spool.unclaim(message.recipients.map(({ id }) => id)).catch(() => undefined);
      this.#wakeAt(Date.now());
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
