/** Connections to one next hop, reused while they are young, and the next hop's state when it refuses us. */
import { connect as connectTo, type UpstreamConnection } from './connection.ts';
import { downDelay } from './backoff.ts';
import type { Deadlines } from './deadlines.ts';
import { type Target, TargetDown } from './target.ts';

export interface PoolOptions {
  readonly target: Target;
  readonly maxConnections: number;
  /** Messages after which a connection is not used again. */
  readonly maxMessages: number;
  readonly deadlines?: Deadlines | undefined;
  /** Addresses that may be connected to; throws TargetDown. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly onStateChange: (change: { up: boolean; cause: string; stage: string }) => void;
  readonly random?: () => number;
}

/** A next hop that rotates its certificate or its address is noticed within this time. */
const MAX_AGE_MS = 5 * 60_000;
const MAX_IDLE_MS = 20_000;

interface Idle {
  readonly connection: UpstreamConnection;
  readonly since: number;
}

export class Pool {
  readonly #options: PoolOptions;
  #idle: Idle[] = [];
  #open = 0;
  readonly #waiting: ((slot: 'slot' | 'closed') => void)[] = [];
  #failures = 0;
  #failedAt = 0;
  #lastFailure: { readonly stage: TargetDown['stage']; readonly cause: string } | undefined;
  #retryAt = 0;
  #probing = false;
  #closed = false;
  readonly #sent = new WeakMap<UpstreamConnection, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#closeStale(Date.now()), MAX_IDLE_MS / 4);
    this.#timer.unref();
  }

  /** 0: usable now; else when the next attempt makes sense. While a probe runs, others wait for it. */
  blockedUntil(nowMs: number): number {
    if (this.#failures === 0) return 0;
    if (nowMs < this.#retryAt) return this.#retryAt;
    return this.#probing ? nowMs + 1_000 : 0;
  }

  /** True from the first failure until an attempt succeeds: one message at a time is enough to find out. */
  get isDown(): boolean {
    return this.#failures > 0;
  }

  /** A connection for one message; `reused` ones may turn out to be dead. Throws TargetDown. */
  async acquire(fresh = false): Promise<{ connection: UpstreamConnection; reused: boolean }> {
    const idle = fresh ? undefined : this.#takeIdle(Date.now());
    if (idle) return { connection: idle, reused: true };
    if (this.#open >= this.#options.maxConnections) {
      const slot = await new Promise<'slot' | 'closed'>((resolve) => this.#waiting.push(resolve));
      if (slot === 'closed') throw new TargetDown('connect', 'the configuration of the next hop has changed');
      return this.acquire(fresh);
    }
    if (this.blockedUntil(Date.now()) > 0) {
      // Whoever else waits for a slot has to hear it too: with nothing open nobody would tell them.
      this.#waiting.shift()?.('slot');
      throw this.#blocked();
    }
    return { connection: await this.#openOne(), reused: false };
  }

  #blocked(): TargetDown {
    const { stage, cause } = this.#lastFailure ?? { stage: 'connect', cause: 'the next hop is down' };
    return new TargetDown(stage, cause, { attempted: false });
  }

  async #openOne(): Promise<UpstreamConnection> {
    const startedAt = Date.now();
    this.#open++;
    const isProbe = this.#failures > 0;
    this.#probing ||= isProbe;
    try {
      const connection = await this.#connect();
      this.#succeeded();
      return connection;
    } catch (error) {
      this.#open--;
      this.#failed(error, startedAt);
      this.#waiting.shift()?.('slot');
      throw error;
    } finally {
      if (isProbe) this.#probing = false;
    }
  }

  /** Nothing is open or known of this next hop that would be lost with the pool. */
  get isUnused(): boolean {
    return this.#open === 0 && this.#waiting.length === 0 && this.#failures === 0;
  }

  release(connection: UpstreamConnection): void {
    const sent = (this.#sent.get(connection) ?? 0) + 1;
    this.#sent.set(connection, sent);
    const isSpent = Date.now() - connection.openedAt > MAX_AGE_MS || sent >= this.#options.maxMessages;
    if (connection.isOpen && !isSpent && !this.#closed) {
      this.#idle.push({ connection, since: Date.now() });
    } else {
      connection.quit();
      this.#open--;
    }
    this.#waiting.shift()?.('slot');
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const { connection } of this.#idle.splice(0)) connection.quit();
    for (const resolve of this.#waiting.splice(0)) resolve('closed');
  }

  async #connect(): Promise<UpstreamConnection> {
    const { target, resolve } = this.#options;
    const addresses = await resolve(target.host);
    let last: unknown;
    for (const address of addresses.slice(0, 4)) {
      try {
        return await connectTo(target, address, this.#options.deadlines);
      } catch (error) {
        last = error;
        // A refused login is refused at the next address too.
        if (error instanceof TargetDown && error.stage === 'login') throw error;
      }
    }
    throw last;
  }

  #takeIdle(nowMs: number): UpstreamConnection | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      const { connection, since } = idle;
      if (connection.isOpen && nowMs - since < MAX_IDLE_MS && nowMs - connection.openedAt < MAX_AGE_MS) {
        return connection;
      }
      connection.quit();
      this.#open--;
    }
    return undefined;
  }

  #closeStale(nowMs: number): void {
    const stale = this.#idle.filter(
      ({ connection, since }) => !connection.isOpen || nowMs - since >= MAX_IDLE_MS,
    );
    this.#idle = this.#idle.filter((idle) => !stale.includes(idle));
    for (const { connection } of stale) connection.quit();
    this.#open -= stale.length;
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#options.onStateChange({ up: true, cause: '', stage: '' });
    this.#failures = 0;
    this.#retryAt = 0;
  }

  /** Attempts that ran side by side fail together: they count as one. */
  #failed(error: unknown, startedAt: number): void {
    const stage = error instanceof TargetDown ? error.stage : 'connect';
    const cause = error instanceof Error ? error.message : String(error);
    this.#lastFailure = { stage, cause };
    if (this.#failures > 0 && startedAt < this.#failedAt) return;
    this.#failedAt = Date.now();
    if (this.#failures === 0) this.#options.onStateChange({ up: false, cause, stage });
    this.#failures++;
    const random = this.#options.random ?? Math.random;
    this.#retryAt = Date.now() + downDelay(this.#failures, stage === 'login', random());
  }
}
