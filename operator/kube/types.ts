/** Kubernetes objects as JSON, as far as the operator reads them. */
import type { ObjectMeta } from '../api/index.ts';

export type { KubeObject, ObjectMeta, OwnerReference } from '../api/index.ts';

/** What every object of the API has. */
export interface AnyObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Where an object is. */
export interface Ref {
  namespace?: string | undefined;
  name: string;
}

/** A type of object: its place in the API. `T` is its shape. */
export interface Resource<T extends AnyObject = AnyObject> {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Bodies of such objects hold secrets: messages of the API server about them are not repeated. */
  sensitive: boolean;
  /** Requests do not wait for a connection behind those of other types. */
  isVital?: boolean;
  /** Never set; carries the type. */
  readonly shape?: T;
}

export interface List<T> {
  items: T[];
  resourceVersion: string;
  continue: string | undefined;
}

export type WatchEvent<T> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string };

export interface Secret extends AnyObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
  immutable?: boolean;
}

export interface ConfigMap extends AnyObject {
  data?: Record<string, string>;
}

export interface Namespace extends AnyObject {
  status?: { phase?: string };
}

export interface PodCondition {
  type: string;
  status: string;
  reason?: string;
}

export interface Pod extends AnyObject {
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: PodCondition[];
    containerStatuses?: { name: string; ready: boolean; restartCount: number; state?: object }[];
  };
}

export interface Deployment extends AnyObject {
  spec?: { replicas?: number; template?: { metadata?: { annotations?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

/** A Deployment, StatefulSet or DaemonSet, as far as its rollout is followed. */
export interface Workload extends AnyObject {
  spec?: {
    replicas?: number;
    paused?: boolean;
    updateStrategy?: { type?: string };
    template?: { metadata?: { annotations?: Record<string, string> } };
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface Service extends AnyObject {
  spec?: { type?: string; clusterIP?: string; ports?: { name?: string; port: number; nodePort?: number }[] };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

export interface ResourceQuota extends AnyObject {
  spec?: { hard?: Record<string, string> };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

export interface Lease extends AnyObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface CoreEvent extends AnyObject {
  involvedObject: {
    apiVersion: string;
    kind: string;
    name: string;
    namespace?: string;
    uid?: string;
  };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
}
