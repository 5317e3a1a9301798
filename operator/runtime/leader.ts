/**
 * One writer among several replicas, by a Lease.
 *
 * Times as in client-go: a lease holds 15 s, the holder renews every 2 s and gives up after 10 s without success, so
 * that it has stopped writing before anyone else may start. Another's lease has expired when it has not changed for
 * 15 s by our own monotonic clock; clocks of machines are never compared.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKubeError, Leases, type KubeClient, type Lease } from '../kube/index.ts';
import type { Log } from './log.ts';

export interface LeaderOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Who we are; unique for each process. */
  identity: string;
  log: Log;
  leaseMs?: number;
  renewDeadlineMs?: number;
  retryMs?: number;
}

interface Taken {
  lease: Lease;
  sentAt: number;
}

export class NotLeader extends Error {
  readonly kind = 'Permanent';
  constructor() {
    super('this process does not hold the lease: it writes nothing');
    this.name = 'NotLeader';
  }
}

export class LeaderElection {
  readonly #options: Required<LeaderOptions>;
  /** Monotonic time at which the last successful renewal was sent. */
  #renewedAt = -Infinity;
  #isReleased = false;
  #lease: Lease | undefined;
  #observed = { signature: '', changedAt: 0, holdsMs: 0 };

  constructor(options: LeaderOptions) {
    this.#options = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, ...options };
  }

  /** Whether this process may write now. A process that was paused past the deadline may not. */
  get isLeader(): boolean {
    return !this.#isReleased && performance.now() - this.#renewedAt < this.#options.renewDeadlineMs;
  }

  /** For KubeClient.fenced. */
  readonly fence = (): void => {
    if (!this.isLeader) throw new NotLeader();
  };

  /** Wait until the lease is ours. */
  async acquire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#attempt()) return;
      await pause(this.#nextAttemptMs(), signal);
    }
  }

  /** Renew until the signal (returns) or until the lease is lost (throws NotLeader). */
  async hold(signal: AbortSignal): Promise<void> {
    const { retryMs } = this.#options;
    for (let isRenewed = true; !signal.aborted;) {
      // Counted from the last one that was sent: where answers take seconds the next goes at once.
      await pause(isRenewed ? this.#renewedAt + retryMs - performance.now() : retryMs, signal);
      if (signal.aborted) return;
      isRenewed = await this.#attempt();
      if (!this.isLeader) throw new NotLeader();
    }
  }

  /** Give the lease up, so that another process may take it at once. Call when nothing is being written. */
  async release(): Promise<void> {
    if (this.#isReleased || this.#lease?.spec?.holderIdentity !== this.#options.identity) return;
    this.#isReleased = true;
    const spec = { ...this.#lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() };
    try {
      await this.#options.client.replace(Leases, { metadata: this.#lease.metadata, spec });
    } catch (error) {
      this.#options.log.warn({ err: error }, 'lease was not released; it expires by itself');
    }
  }

  async #attempt(): Promise<boolean> {
    const { namespace, name, log, leaseMs, renewDeadlineMs } = this.#options;
    try {
      // Who takes it reads and writes, who renews it writes only; each answer of the server may take five seconds.
      const limitMs = this.isLeader ? renewDeadlineMs : leaseMs;
      const taken = await withDeadline(this.#takeOrRenew({ namespace, name }), limitMs);
      if (taken === undefined) {
        this.#renewedAt = -Infinity;
        return false;
      }
      this.#lease = taken.lease;
      this.#renewedAt = taken.sentAt;
      return true;
    } catch (error) {
      // A conflict means that somebody else wrote it: read again. Everything else: try again until the deadline.
      this.#lease = undefined;
      log.debug({ err: error }, 'lease was not written');
      return false;
    }
  }

  /** The lease as we hold it now and when that write was sent, or undefined while it is another's. */
  async #takeOrRenew(ref: { namespace: string; name: string }): Promise<Taken | undefined> {
    const { client, identity } = this.#options;
    const isOurs = this.#lease?.spec?.holderIdentity === identity;
    const present = isOurs ? this.#lease : await client.find(Leases, ref);
    if (present === undefined) {
      const sentAt = performance.now();
      const lease = await client
        .create(Leases, { metadata: ref, spec: this.#specAfter(undefined) })
        .catch(ifTaken);
      return lease && { lease, sentAt };
    }
    const holder = present.spec?.holderIdentity ?? '';
    if (holder !== '' && holder !== identity && !this.#hasExpired(present)) return undefined;
    const sentAt = performance.now();
    const lease = await client.replace(Leases, {
      metadata: present.metadata,
      spec: this.#specAfter(present),
    });
    return { lease, sentAt };
  }

  #hasExpired(lease: Lease): boolean {
    const { holderIdentity, renewTime, leaseTransitions, leaseDurationSeconds } = lease.spec ?? {};
    const signature = [holderIdentity, renewTime, leaseTransitions].join('|');
    if (signature !== this.#observed.signature) {
      const holdsMs = (leaseDurationSeconds ?? this.#options.leaseMs / 1000) * 1000;
      this.#observed = { signature, changedAt: performance.now(), holdsMs };
    }
    return this.#leftMs() <= 0;
  }

  /** Time that another's lease still holds, as far as we have seen. */
  #leftMs(): number {
    const { changedAt, holdsMs } = this.#observed;
    return changedAt + holdsMs - performance.now();
  }

  /**
   * Twice as often as the holder renews: a renewal that is seen late makes its lease expire late. Exactly when it would
   * expire, if that comes first: waiting the interval out would be late too.
   */
  #nextAttemptMs(): number {
    const intervalMs = this.#options.retryMs * (0.4 + 0.2 * Math.random());
    const leftMs = this.#leftMs();
    return leftMs > 0 ? Math.min(intervalMs, leftMs + 5) : intervalMs;
  }

  #specAfter(present: Lease | undefined): NonNullable<Lease['spec']> {
    const { identity, leaseMs } = this.#options;
    const isOurs = present?.spec?.holderIdentity === identity;
    const now = microTime();
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: isOurs ? (present?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (present?.spec?.leaseTransitions ?? 0) + (isOurs || present === undefined ? 0 : 1),
    };
  }
}

function ifTaken(error: unknown): undefined {
  if (isKubeError(error, 'Conflict')) return undefined;
  throw error;
}

/** metav1.MicroTime has six digits. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(ms, 1), undefined, { signal }).catch(() => undefined);
}
