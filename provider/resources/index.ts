/**
 * MigoSMTP's resources, data sources, ephemeral credentials and functions, over core/ and kube/.
 * Flow: schema.generated.ts holds what operator/api states; kind-resource.ts makes a resource of each kind by
 * server-side apply and a watch; kinds.ts says when each kind is done.
 * Limits: passwords pass through smtp-credentials.ts only. Nothing but the Kubernetes API is contacted.
 */
export type { ClusterHandle } from './cluster-handle.ts';
export { createProvider } from './provider.ts';
