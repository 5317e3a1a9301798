/**
 * One relay pod, kept in step with the shards.
 *
 * First the pod is asked what it holds, then it is pushed what it lacks; after that every written shard is pushed.
 * One push at a time; what is written meanwhile goes with the next. After a failure the pod is asked again, because
 * it may have been restarted or the push may have arrived.
 */
import { relayApi } from '../api/index.ts';
import type { Pod } from '../kube/index.ts';
import type { Log } from '../runtime/index.ts';
import { AdminClient, revisionsOf, type AdminIdentity } from './admin.ts';
import type { ShardSet } from './shard-set.ts';

export interface PodLinkOptions {
  shards: ShardSet;
  identity: AdminIdentity;
  log: Log;
  /** The pod has acknowledged something, or is out of step. */
  onProgress: () => void;
}

/** What the cluster says of a pod. */
export interface PodView {
  name: string;
  uid: string;
  address: string;
  isReady: boolean;
  isTerminating: boolean;
  /** Changes when a container is started anew. */
  restarts: number;
}

const FIRST_RETRY_MS = 40;
const LONGEST_RETRY_MS = 2_000;
/** A starting pod is asked often: it must be in step before clients reach it. */
const LONGEST_START_RETRY_MS = 250;
/** Asked again this often, should it have lost something on the way. */
const RECHECK_MS = 60_000;

export class PodLink {
  view: PodView;
  readonly admin: AdminClient;
  readonly #options: PodLinkOptions;
  #applied = new Map<number, number>();
  readonly #dirty = new Set<number>();
  #isSynced = false;
  #mustCompare = true;
  #isPumping = false;
  #isClosed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #bornAt = performance.now();
  /** Last failure in words, for conditions. */
  problem: string | undefined;

  constructor(view: PodView, options: PodLinkOptions) {
    this.view = view;
    this.#options = options;
    this.admin = new AdminClient(view.address, options.identity);
    this.#wake(0);
  }

  /** Everything that was written has been acknowledged. */
  get isInStep(): boolean {
    return this.#isSynced && this.#dirty.size === 0;
  }

  hasApplied(shard: number, revision: number): boolean {
    return this.#isSynced && (this.#applied.get(shard) ?? -1) >= revision;
  }

  /** Highest revision up to which the pod has everything. */
  get appliedRevision(): number {
    if (!this.#isSynced) return 0;
    const { shards } = this.#options;
    if (this.#dirty.size === 0) return shards.highestRevision;
    return Math.min(...[...this.#dirty].map((shard) => shards.revisionOf(shard))) - 1;
  }

  push(shard: number): void {
    this.#dirty.add(shard);
    if (this.#failures === 0) this.#wake(0);
  }

  update(view: PodView): void {
    const isRestarted = view.restarts !== this.view.restarts || (view.isReady && !this.view.isReady);
    this.view = view;
    if (!isRestarted) return;
    this.#mustCompare = true;
    this.#failures = 0;
    this.#wake(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    void this.admin.close();
  }

  #wake(delayMs: number): void {
    if (this.#isClosed || this.#isPumping) return;
    clearTimeout(this.#timer);
    if (delayMs === 0) {
      void this.#pump();
      return;
    }
    this.#timer = setTimeout(() => void this.#pump(), delayMs);
    this.#timer.unref();
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      while (!this.#isClosed && (!this.isInStep || this.#mustCompare)) {
        if (!this.#isSynced || this.#mustCompare) await this.#compare();
        if (this.#dirty.size > 0) await this.#pushDirty();
        this.#failures = 0;
        this.problem = undefined;
        this.#options.onProgress();
      }
    } catch (error) {
      this.#isSynced = false;
      this.#failures++;
      this.problem = error instanceof Error ? error.message : String(error);
      const fields = { pod: this.view.name, failures: this.#failures, err: error };
      this.#options.log[this.view.isReady && this.#failures > 1 ? 'warn' : 'debug'](
        fields,
        'pod is out of step',
      );
      this.#options.onProgress();
    } finally {
      this.#isPumping = false;
      if (this.isInStep) this.#recheckLater();
      else this.#wake(this.#retryMs());
    }
  }

  #recheckLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#mustCompare = true;
      this.#wake(0);
    }, RECHECK_MS);
    this.#timer.unref();
  }

  #retryMs(): number {
    const isYoung = performance.now() - this.#bornAt < 60_000 && !this.view.isReady;
    const longest = isYoung ? LONGEST_START_RETRY_MS : LONGEST_RETRY_MS;
    return Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10), longest);
  }

  async #compare(): Promise<void> {
    const { shards } = this.#options;
    const state = await this.admin.state();
    this.#applied = revisionsOf(state.applied);
    for (let shard = 0; shard < relayApi.SHARD_COUNT; shard++) {
      const applied = this.#applied.get(shard) ?? -1;
      const written = shards.revisionOf(shard);
      if (applied > written) shards.raiseAbove(shard, applied);
      if (applied !== written || state.missing.includes(shard)) this.#dirty.add(shard);
    }
    this.#isSynced = true;
    this.#mustCompare = false;
  }

  async #pushDirty(): Promise<void> {
    const batch = [...this.#dirty];
    const documents = batch.map((shard) => this.#options.shards.documentOf(shard));
    const applied = await this.admin.push(documents);
    for (const { shard, revision } of documents) {
      this.#applied.set(shard, applied.get(shard) ?? revision);
      // Written again while the push was under way: stays for the next one.
      if (this.#options.shards.revisionOf(shard) === revision) this.#dirty.delete(shard);
    }
  }
}

/** The pod as seen by the link; undefined while it has no address or has ended. */
export function viewOf(pod: Pod): PodView | undefined {
  const { status, metadata } = pod;
  if (status?.podIP === undefined || status.podIP === '') return undefined;
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  return {
    name: metadata.name,
    uid: metadata.uid!,
    address: status.podIP,
    isReady: (status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    isTerminating: metadata.deletionTimestamp !== undefined,
    restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}
