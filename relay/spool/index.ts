/**
 * The store: messages, recipients with their delivery state (which are the reports), counters, last logins.
 * Flow: session accepts, delivery claims and records, admin reads; every call is one part of a transaction, and
 * concurrent calls share a commit.
 * Limits: one interface, one contract test (`contract.ts`) for every implementation; what resolves is durable.
 */
export * from './types.ts';
export { type OpenedSpool, openEmbeddedSpool } from './embedded/open.ts';
export { type OpenedStore, openSpool } from './open.ts';
export { StoreHealth } from './health.ts';
export { newQueueId } from './queue-id.ts';
