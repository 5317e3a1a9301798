/** A shard as this process knows it: what was written last, and what waits to be. */
import type { SmtpRelay } from '../api/index.ts';
import { isKubeError, Secrets, type KubeClient } from '../kube/index.ts';
import { contentOf, emptyContent, type Mutation, type ShardContent } from './entries.ts';
import { readShard, shardSecretName } from './shard-secrets.ts';

/** Where an entry stands: every pod that has applied this revision of this shard knows it. */
export interface Placement {
  shard: number;
  revision: number;
}

export interface SlotSource {
  client: KubeClient;
  relay: SmtpRelay;
}

export interface Slot {
  shard: number;
  content: ShardContent;
  revision: number;
  /** Revision that was read: what this process has not written since stands in it. */
  readRevision: number;
  resourceVersion: string | undefined;
  pending: Map<string, Mutation>;
  waiting: { resolve: (placement: Placement) => void; reject: (error: unknown) => void }[];
  /** Write also without a change: the Secret is missing, is another relay object's, or pods are ahead of it. */
  mustWrite: boolean;
  isUrgent: boolean;
  isWriting: boolean;
  failures: number;
  failingSince: number | undefined;
  writtenAt: number;
  timer: NodeJS.Timeout | undefined;
}

const LONGEST_FAILING_MS = 10_000;

/** A right or room that is missing comes back by somebody's hand only; so does what has failed for long. */
export function isRefusal({ failingSince }: Slot, error: unknown): boolean {
  if (isKubeError(error, 'Permanent', 'Invalid')) return true;
  return failingSince !== undefined && performance.now() - failingSince > LONGEST_FAILING_MS;
}

/** Those who wait say why in their status; what they wanted must not be written when they no longer want it. */
export function giveUp(slot: Slot, error: unknown): void {
  slot.pending = new Map();
  slot.failingSince = undefined;
  for (const { reject } of slot.waiting.splice(0)) reject(error);
}

/** The slot as stored. Nothing stored: what is known already, else empty, above every revision of before. */
export async function loadSlot(options: SlotSource, shard: number, known?: Slot): Promise<Slot> {
  const stored = await readShard(options.client, options.relay, shard);
  const isOurs = stored.document !== undefined && stored.isOwned;
  // Milliseconds: a relay that is created again begins above what pods with an old volume remember.
  const revision = Math.max(stored.document?.revision ?? Date.now(), known?.revision ?? 0);
  return {
    shard,
    content: stored.document === undefined ? (known?.content ?? emptyContent()) : contentOf(stored.document),
    revision,
    readRevision: revision,
    resourceVersion: stored.resourceVersion,
    pending: new Map(),
    waiting: [],
    mustWrite: !isOurs,
    isUrgent: false,
    isWriting: false,
    failures: 0,
    failingSince: undefined,
    writtenAt: -Infinity,
    timer: undefined,
  };
}

/** Whether the Secret is still the one that was written last; somebody may have deleted or changed it. */
export async function isUntouched({ client, relay }: SlotSource, slot: Slot): Promise<boolean> {
  const { shard, resourceVersion } = slot;
  const ref = { namespace: relay.metadata.namespace, name: shardSecretName(relay.metadata.name, shard) };
  try {
    const { metadata } = await client.get(Secrets, ref, { isMetadataEnough: true });
    // Written by us meanwhile: then it is what we wrote.
    return slot.resourceVersion !== resourceVersion || metadata.resourceVersion === resourceVersion;
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return false;
    throw error;
  }
}
