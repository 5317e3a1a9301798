/** What the relay says of itself: readiness, state for the operator, metrics. */
import { hostname } from 'node:os';
import type { relayApi } from '@migosmtp/operator/api';
import type { PolicySource } from './credentials/index.ts';
import type { HealthWatch } from './health/index.ts';
import type { Metrics } from './metrics.ts';
import type { Directory } from './policy/index.ts';
import type { Spool, StoreHealth } from './spool/index.ts';

export interface StatusSources {
  readonly directory: Directory;
  readonly spool: Spool;
  readonly health: StoreHealth;
  readonly metrics: Metrics;
  readonly watch: Pick<HealthWatch, 'problems'>;
  /** Undefined where policy stands in the process file. */
  readonly source: PolicySource | undefined;
}

const UNKNOWN_QUEUE = { queued: 0, held: 0, oldestAcceptedAt: null };

export class Status {
  readonly #sources: StatusSources;
  readonly #startedAt = new Date().toISOString();
  #stopping = false;

  constructor(sources: StatusSources) {
    this.#sources = sources;
  }

  /** From now on unready, so that no new clients are sent here. */
  stopping(): void {
    this.#stopping = true;
  }

  /** With shards missing, an account that we do not know may be suspended or its mail limited: nothing moves. */
  get isComplete(): boolean {
    const { directory, source } = this.#sources;
    return directory.settings !== undefined && (source?.missing().length ?? 0) === 0;
  }

  /** What keeps us from being ready; empty: ready. */
  problems(): string[] {
    const { directory, health, source } = this.#sources;
    const missing = source?.missing() ?? [];
    return [
      ...(this.#stopping ? ['stopping'] : []),
      ...(missing.length > 0 ? [`shards missing: ${missing.join(' ')}`] : []),
      ...(directory.settings ? [] : ['no relay settings']),
      ...(health.writable ? [] : ['the store does not take writes']),
    ];
  }

  /** Readiness, and what a person or an alert should look at. */
  health(): string[] {
    return [...this.problems(), ...this.#sources.watch.problems()];
  }

  async state(): Promise<relayApi.RelayState> {
    const { spool, source } = this.#sources;
    // Also without a store: the operator must be able to see that the pod is there and not ready.
    const { queued, held, oldestAcceptedAt } = await spool.stats().catch(() => UNKNOWN_QUEUE);
    return {
      version: process.env.RELAY_VERSION ?? 'dev',
      pod: process.env.HOSTNAME ?? hostname(),
      startedAt: this.#startedAt,
      ready: this.problems().length === 0,
      applied: source?.applied() ?? {},
      missing: source?.missing() ?? [],
      queue: { queued, held, oldestSeconds: age(oldestAcceptedAt) },
    };
  }

  async metrics(): Promise<{ contentType: string; text: string }> {
    const { metrics, health, source, spool } = this.#sources;
    metrics.shardsMissing.set(source?.missing().length ?? 0);
    metrics.storeWritable.set(health.writable ? 1 : 0);
    metrics.ready.set(this.problems().length === 0 ? 1 : 0);
    metrics.healthy.set(this.health().length === 0 ? 1 : 0);
    const stats = await spool.stats().catch(() => undefined);
    if (stats) {
      metrics.queue.set({ state: 'queued' }, stats.queued);
      metrics.queue.set({ state: 'held' }, stats.held);
      metrics.queueOldest.set(age(stats.oldestAcceptedAt));
    }
    return { contentType: metrics.registry.contentType, text: await metrics.registry.metrics() };
  }
}

function age(acceptedAt: number | null): number {
  return acceptedAt === null ? 0 : Math.max(0, (Date.now() - acceptedAt) / 1_000);
}
