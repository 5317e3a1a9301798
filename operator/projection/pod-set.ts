/** The pods of one relay: which there are, and whether those that serve clients have applied a revision. */
import type { Pod } from '../kube/index.ts';
import type { Log } from '../runtime/index.ts';
import type { AdminIdentity } from './admin.ts';
import { PodLink, viewOf, type PodView } from './pod-link.ts';
import type { Placement, ShardSet } from './shard-set.ts';

/** 'applied' by every serving pod; 'none' serves; 'late': not within the time, naming the pods. */
export type Acknowledgement = { kind: 'applied' } | { kind: 'none' } | { kind: 'late'; pods: string[] };

export interface PodSetOptions {
  shards: ShardSet;
  identity: AdminIdentity;
  log: Log;
  /** 'pods': some came, went, or changed their readiness; 'progress': some acknowledged. */
  onChange: (change: 'pods' | 'progress') => void;
}

export class PodSet {
  readonly #options: PodSetOptions;
  readonly #links = new Map<string, PodLink>();
  readonly #waiting = new Set<() => void>();
  #standing = '';

  constructor(options: PodSetOptions) {
    this.#options = options;
  }

  /** Take what the cluster shows now. */
  update(pods: Iterable<Pod>): void {
    const views = new Map<string, PodView>();
    for (const pod of pods) {
      const view = viewOf(pod);
      if (view !== undefined) views.set(view.uid, view);
    }
    for (const [uid, link] of this.#links) {
      const view = views.get(uid);
      if (view !== undefined && view.address === link.view.address) continue;
      link.close();
      this.#links.delete(uid);
    }
    for (const [uid, view] of views) {
      const link = this.#links.get(uid);
      if (link !== undefined) link.update(view);
      else this.#links.set(uid, new PodLink(view, { ...this.#options, onProgress: () => this.#progress() }));
    }
    this.#progress();
  }

  push(shard: number): void {
    for (const link of this.#links.values()) link.push(shard);
  }

  get all(): readonly PodLink[] {
    return [...this.#links.values()];
  }

  /** Pods that clients reach: ready and not on their way out. */
  get serving(): readonly PodLink[] {
    return this.all.filter(({ view }) => view.isReady && !view.isTerminating);
  }

  /** Wait until every serving pod has applied all of these; pods that come or go meanwhile count. */
  async whenApplied(placements: readonly Placement[], timeoutMs: number): Promise<Acknowledgement> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const serving = this.serving;
      if (serving.length === 0) return { kind: 'none' };
      const late = serving.filter((link) => !placements.every((p) => link.hasApplied(p.shard, p.revision)));
      if (late.length === 0) return { kind: 'applied' };
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return { kind: 'late', pods: late.map(({ view }) => view.name) };
      await this.#nextProgress(leftMs);
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#progress();
  }

  #nextProgress(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#waiting.add(finish);
    });
  }

  #progress(): void {
    for (const wake of this.#waiting) wake();
    const standing = this.all.map((link) => standingOf(link)).join();
    this.#options.onChange(standing === this.#standing ? 'progress' : 'pods');
    this.#standing = standing;
  }
}

function standingOf({ view, appliedRevision, problem }: PodLink): string {
  return [view.uid, view.isReady, view.isTerminating, appliedRevision > 0, problem].join(':');
}
