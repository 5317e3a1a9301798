/** Every type of object that the operator touches. RBAC is generated from what is used of them. */
import {
  GROUP,
  VERSION,
  planLimit,
  smtpAccount,
  smtpRelay,
  testMessage,
  verifiedDomain,
  type PlanLimit,
  type SmtpAccount,
  type SmtpRelay,
  type TestMessage,
  type VerifiedDomain,
} from '../api/index.ts';
import type {
  AnyObject,
  ConfigMap,
  CoreEvent,
  Deployment,
  Lease,
  Namespace,
  Pod,
  Resource,
  ResourceQuota,
  Secret,
  Service,
  Workload,
} from './types.ts';

interface Options {
  namespaced?: boolean;
  sensitive?: boolean;
  isVital?: boolean;
}

export function resource<T extends AnyObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  options: Options = {},
): Resource<T> {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    group: group!,
    version: version!,
    kind,
    plural,
    namespaced: options.namespaced ?? true,
    sensitive: options.sensitive ?? false,
    isVital: options.isVital ?? false,
  };
}

export function apiVersionOf(type: Resource): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

function custom<T extends AnyObject>(definition: { kind: string; plural: string }): Resource<T> {
  return resource<T>(`${GROUP}/${VERSION}`, definition.kind, definition.plural);
}

export const SmtpRelays = custom<SmtpRelay>(smtpRelay);
export const SmtpAccounts = custom<SmtpAccount>(smtpAccount);
export const VerifiedDomains = custom<VerifiedDomain>(verifiedDomain);
export const PlanLimits = custom<PlanLimit>(planLimit);
export const TestMessages = custom<TestMessage>(testMessage);

export const Secrets = resource<Secret>('v1', 'Secret', 'secrets', { sensitive: true });
export const ConfigMaps = resource<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const Services = resource<Service>('v1', 'Service', 'services');
export const Pods = resource<Pod>('v1', 'Pod', 'pods');
export const Namespaces = resource<Namespace>('v1', 'Namespace', 'namespaces', { namespaced: false });
export const PersistentVolumeClaims = resource<AnyObject>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const ResourceQuotas = resource<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas');
export const Events = resource<CoreEvent>('v1', 'Event', 'events');
export const Deployments = resource<Deployment>('apps/v1', 'Deployment', 'deployments');
export const StatefulSets = resource<Workload>('apps/v1', 'StatefulSet', 'statefulsets');
export const DaemonSets = resource<Workload>('apps/v1', 'DaemonSet', 'daemonsets');
export const Leases = resource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases', { isVital: true });
/** Served as policy/v1 since 1.21 and as policy/v1beta1 before; see discovery.ts. */
export const PodDisruptionBudgets = resource<AnyObject>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const NetworkPolicies = resource<AnyObject>(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  'networkpolicies',
);
