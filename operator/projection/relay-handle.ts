/**
 * One relay as the other kinds see it: its shards, its pods, what clients need to know of it, and the removal guard.
 * Opened by the SmtpRelay controller once the shards can stand; closed when the relay is gone.
 */
import type { SmtpRelay } from '../api/index.ts';
import type { KubeClient, Pod } from '../kube/index.ts';
import type { Key, Log } from '../runtime/index.ts';
import type { AdminIdentity } from './admin.ts';
import type { PodLink } from './pod-link.ts';
import { PodSet, type Acknowledgement } from './pod-set.ts';
import { RemovalGuard } from './removal-guard.ts';
import { ShardSet, type Placement } from './shard-set.ts';

/** What clients of a relay need, computed from its spec and certificates; never read from status. */
export interface RelayFacts {
  /** Host in credentials: the hostname, or the Service name. */
  host: string;
  ports: { starttls: number; tls: number };
  /** PEM that clients must trust; undefined with a publicly signed certificate. */
  caBundle: string | undefined;
}

export interface RelayHandleOptions {
  key: Key;
  client: KubeClient;
  relay: SmtpRelay;
  facts: RelayFacts;
  identity: AdminIdentity;
  log: Log;
  /** 'pods': pods or held removals changed; 'progress': pods acknowledged what was written. */
  onChange: (change: 'pods' | 'progress') => void;
}

export class RelayHandle {
  readonly key: Key;
  readonly uid: string;
  readonly shards: ShardSet;
  readonly pods: PodSet;
  readonly removals: RemovalGuard;
  relay: SmtpRelay;
  facts: RelayFacts;
  /** Whose username is whose, those included that are about to be written. */
  readonly #usernames = new Map<string, Key>();

  private constructor(options: RelayHandleOptions, shards: ShardSet, pods: PodSet) {
    this.key = options.key;
    this.uid = options.relay.metadata.uid!;
    this.relay = options.relay;
    this.facts = options.facts;
    this.shards = shards;
    this.pods = pods;
    this.removals = new RemovalGuard({
      countServed: () => shards.count('accounts'),
      remove: (key) => this.removeAccount(key),
      onChange: () => options.onChange('pods'),
    });
    for (const [key, { username }] of shards.entries('accounts')) this.#usernames.set(username, key);
  }

  static async open(options: RelayHandleOptions): Promise<RelayHandle> {
    let pods: PodSet | undefined;
    const shards = await ShardSet.open({ ...options, onWritten: (shard) => pods?.push(shard) });
    pods = new PodSet({ ...options, shards });
    return new RelayHandle(options, shards, pods);
  }

  /** Take a username for an account; false when another account of this relay has it. */
  claimUsername(username: string, key: Key): boolean {
    const owner = this.#usernames.get(username);
    if (owner !== undefined && owner !== key) return false;
    this.#usernames.set(username, key);
    return true;
  }

  /** Off the relay at once. Callers that only miss the account go through `removals`. */
  async removeAccount(key: Key): Promise<Placement> {
    const username = this.shards.get('accounts', key)?.username;
    const placement = await this.shards.put('accounts', key, undefined, { isUrgent: true });
    if (username !== undefined && this.#usernames.get(username) === key) this.#usernames.delete(username);
    return placement;
  }

  /** Wait until every pod that serves clients has applied all of these. */
  whenApplied(placements: readonly Placement[], timeoutMs: number): Promise<Acknowledgement> {
    return this.pods.whenApplied(placements, timeoutMs);
  }

  /** A pod to ask for usage and reports: any that serves, as storage is shared. */
  get anyPod(): PodLink | undefined {
    return this.pods.serving[0] ?? this.pods.all[0];
  }

  setPods(pods: Iterable<Pod>): void {
    this.pods.update(pods);
  }

  close(): void {
    this.removals.close();
    this.pods.close();
    this.shards.close();
  }
}
