/**
 * The projection of the cluster's objects into relays: 32 shard Secrets each, written here and pushed to every pod.
 *
 * Flow: a kind puts or removes its entry (RelayHandle.shards) -> Placement; pods acknowledge (RelayHandle.whenApplied).
 * Limits: one writer (the leader); an entry goes when its kind removes it, accounts through the removal guard; what
 * has not been listed completely is never removed. Entries are values: never change one in place.
 */
export * from './admin.ts';
export type { Entries, EntryKind } from './entries.ts';
export type { PodLink, PodView } from './pod-link.ts';
export type { Acknowledgement } from './pod-set.ts';
export * from './registry.ts';
export * from './relay-handle.ts';
export { CONFIRM_ANNOTATION, type HeldRemovals } from './removal-guard.ts';
export type { Placement } from './shard-set.ts';
export { relayOwner, shardSecretName } from './shard-secrets.ts';
