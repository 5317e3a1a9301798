/**
 * The only code that talks to the Kubernetes API: connection, typed requests, watches, errors by kind.
 *
 * Flow: loadConnection -> KubeClient (one dispatcher for the process) -> typed objects or a KubeError.
 * Limits: no caching (runtime/informer.ts), no retry but for 429 (runtime/queue.ts), no policy.
 */
export * from './client.ts';
export * from './config.ts';
export * from './discovery.ts';
export * from './errors.ts';
export * from './resources.ts';
export type { ClientOptions, RequestRecord } from './transport.ts';
export * from './types.ts';
