/**
 * A real Kubernetes control plane on this machine, without a container engine: etcd, kube-apiserver and
 * kube-controller-manager from one folder, and a node agent that runs Pods as local processes in namespaces.
 * `startCluster` brings one up in about 5 s and sweeps what dead runs left; several run side by side.
 * Limits: one node; TCP Services only, whose backends see the cluster's gateway as the client's address; no
 * resource limits, no NetworkPolicy, no images (an image map says what stands for one). Pods need root.
 */
export { ApiClient, ApiError } from './api-client.ts';
export type { ApiAccess, ApiAnswer, KubeObject } from './api-client.ts';
export { cacheRoot, withLock } from './cache.ts';
export { Cluster, openCluster } from './cluster.ts';
export type { CommandOptions } from './command.ts';
export { debianPackages } from './debian.ts';
export type { DebianPackages } from './debian.ts';
export { Refusal } from './failure.ts';
export type { Image, ImageMap } from './images.ts';
export type { Finished } from './run.ts';
export { startCluster } from './start.ts';
export type { ClusterOptions } from './start.ts';
export { clusterNames, network } from './state.ts';
export { cleanAll, removeCluster as stopCluster } from './stop.ts';
