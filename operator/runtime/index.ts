/**
 * The operator's runtime, after controller-runtime: informers, keyed queue, controllers, leader election, conditions,
 * events, metrics, health. Knows nothing of mail; README.md shows how a kind is written on it.
 *
 * Flow: Informer changes -> keys -> WorkQueue -> Controller (observe, decide, apply) -> status.
 * Limits: one process writes (LeaderElection.fence); a key is worked on by one worker at a time.
 */
export * from './absence.ts';
export * from './compact.ts';
export * from './conditions.ts';
export * from './controller.ts';
export * from './delay-heap.ts';
export * from './equal.ts';
export * from './events.ts';
export * from './health.ts';
export * from './informer.ts';
export * from './keys.ts';
export * from './leader.ts';
export * from './log.ts';
export * from './metrics.ts';
export * from './queue.ts';
export * from './status.ts';
export * from './store.ts';
export * from './watches.ts';
