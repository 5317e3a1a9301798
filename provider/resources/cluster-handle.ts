import type { KubeClient } from '../kube/index.ts';

/**
 * The cluster as operations see it. Connecting waits for the first call, so that a plan of new objects needs no
 * cluster; and a configuration that is unknown during plan is carried along until someone needs it.
 */
export type ClusterHandle =
  | { readonly kind: 'known'; client(): Promise<KubeClient> }
  | { readonly kind: 'unknown'; readonly attributes: readonly string[] };
