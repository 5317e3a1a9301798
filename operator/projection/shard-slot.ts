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
  /** UID of a stored Secret that is to be collected: it is not replaced but made anew. */
  collectedUid: string | undefined;
  /** Its content was read or written by this process: from then on nobody knows better. */
  isKnown: boolean;
  pending: Map<string, Mutation>;
  /** On its way to the API server. */
  writing: ReadonlyMap<string, Mutation>;
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

/** The slot as stored. Nothing stored: empty, above every revision of before. */
export async function loadSlot(options: SlotSource, shard: number): Promise<Slot> {
  const stored = await readShard(options.client, options.relay, shard);
  const isOurs = stored.document !== undefined && stored.isOwned;
  // Milliseconds: a relay that is created again begins above what pods with an old volume remember.
  const revision = stored.document?.revision ?? Date.now();
  return {
    shard,
    content: stored.document === undefined ? emptyContent() : contentOf(stored.document),
    revision,
    readRevision: revision,
    resourceVersion: stored.resourceVersion,
    collectedUid: stored.document === undefined ? undefined : stored.collectedUid,
    isKnown: stored.document !== undefined,
    pending: new Map(),
    writing: new Map(),
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

/**
 * After a write that failed: learns which version is stored, so that the next write replaces it, and returns its revision,
 * which that write must be above. Its content counts only where none was known: it is of a write whose answer was lost,
 * which is done again, or somebody else's, such as an old copy from a backup, by which passwords would stop to work.
 */
export async function catchUp({ client, relay }: SlotSource, slot: Slot): Promise<number> {
  const { document, resourceVersion } = await readShard(client, relay, slot.shard);
  if (resourceVersion !== slot.resourceVersion) slot.mustWrite = true;
  slot.resourceVersion = resourceVersion;
  if (document === undefined) return 0;
  if (!slot.isKnown) {
    slot.content = contentOf(document);
    slot.isKnown = true;
  }
  return document.revision;
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
