/**
 * Rules that several kinds share: which namespaces an object admits, which relay serves an object, what a plan allows.
 *
 * Flow: values from the caches in, an answer with its reason out. Limits: pure; no I/O, no clock.
 */
export * from './age-order.ts';
export * from './namespaces.ts';
export * from './plan.ts';
export * from './relay-choice.ts';
export * from './time-zone.ts';
