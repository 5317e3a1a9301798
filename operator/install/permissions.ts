/**
 * What the operator may do, one row for each call that the code makes. The roles are generated from this table, and a
 * test on the real API server shows that what is not in it is refused.
 */
import { GROUP, KINDS } from '../api/index.ts';

export interface Permission {
  group: string;
  resources: string[];
  verbs: string[];
  /**
   * 'cluster': of objects outside namespaces. 'watched': in the namespaces that are watched, which is everywhere when
   * none are named. 'own': in the operator's own namespace only.
   */
  scope: 'cluster' | 'watched' | 'own';
  /** Who calls it. */
  why: string;
}

const kinds = KINDS.map(({ plural }) => plural);

export const PERMISSIONS: Permission[] = [
  { group: GROUP, resources: kinds, verbs: ['get', 'list', 'watch'], scope: 'watched', why: 'caches' },
  {
    group: GROUP,
    resources: kinds.map((plural) => `${plural}/status`),
    verbs: ['patch'],
    scope: 'watched',
    why: 'status',
  },
  {
    group: '',
    resources: ['namespaces'],
    verbs: ['get', 'list', 'watch'],
    scope: 'cluster',
    why: 'selectors of allowedNamespaces',
  },
  {
    group: '',
    resources: ['pods'],
    verbs: ['list', 'watch'],
    scope: 'watched',
    why: 'addresses and readiness of relay pods',
  },
  {
    group: '',
    resources: ['secrets'],
    verbs: ['get', 'create', 'update', 'patch', 'delete'],
    scope: 'watched',
    why: 'credentials, shards, certificates; by name only, never listed or watched',
  },
  {
    group: '',
    resources: ['services', 'configmaps', 'persistentvolumeclaims'],
    verbs: ['get', 'create', 'patch'],
    scope: 'watched',
    why: 'parts of a relay',
  },
  {
    group: 'apps',
    resources: ['deployments'],
    verbs: ['get', 'list', 'watch', 'create', 'patch'],
    scope: 'watched',
    why: 'relays; rollout targets',
  },
  {
    group: 'apps',
    resources: ['statefulsets', 'daemonsets'],
    verbs: ['get', 'patch'],
    scope: 'watched',
    why: 'rollout targets',
  },
  {
    group: 'policy',
    resources: ['poddisruptionbudgets'],
    verbs: ['get', 'create', 'patch', 'delete'],
    scope: 'watched',
    why: 'relays with several pods',
  },
  {
    group: 'networking.k8s.io',
    resources: ['networkpolicies'],
    verbs: ['get', 'create', 'patch'],
    scope: 'watched',
    why: 'who talks to relay pods',
  },
  {
    group: '',
    resources: ['resourcequotas'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    scope: 'watched',
    why: 'counts of plans',
  },
  {
    group: '',
    resources: ['events'],
    verbs: ['create', 'patch'],
    scope: 'watched',
    why: 'events for people',
  },
  {
    group: 'authentication.k8s.io',
    resources: ['tokenreviews'],
    verbs: ['create'],
    scope: 'cluster',
    why: 'who asks for reports',
  },
  {
    group: 'authorization.k8s.io',
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    scope: 'cluster',
    why: 'who may read reports',
  },
  {
    group: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    scope: 'own',
    why: 'leader election',
  },
];

/** Kinds that people of a workspace write; limits and relays belong to administrators. */
export const EDITABLE = ['smtpaccounts', 'verifieddomains', 'testmessages'];
