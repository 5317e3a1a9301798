/** The objects that an installation consists of, besides the CRDs. Pure. */
import { GROUP, KINDS } from '../api/index.ts';
import { RELEASE } from '../options.ts';
import { REPORTS_NAME } from '../reports/names.ts';
import { EDITABLE, PERMISSIONS, type Permission } from './permissions.ts';

export const NAMESPACE = 'migosmtp-system';
const NAME = 'migosmtp-operator';
const LABELS = { 'app.kubernetes.io/name': NAME, 'app.kubernetes.io/part-of': 'migosmtp' };
const SELECTOR = { 'app.kubernetes.io/name': NAME };
const HEALTH_PORT = 8080;
const REPORTS_PORT = 8443;

type Manifest = Record<string, unknown>;

export function manifests(): Manifest[] {
  return [
    namespace(),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: inNamespace(NAME),
      automountServiceAccountToken: false,
    },
    clusterRole(NAME, rulesOf('cluster')),
    binding('ClusterRoleBinding', { name: NAME, labels: LABELS }, 'ClusterRole'),
    { apiVersion: RBAC, kind: 'Role', metadata: inNamespace(NAME), rules: rulesOf('own') },
    binding('RoleBinding', inNamespace(NAME), 'Role'),
    ...peopleRoles(),
    ...reports(),
    deployment(),
  ];
}

const RBAC = 'rbac.authorization.k8s.io/v1';

function inNamespace(name: string): Manifest {
  return { name, namespace: NAMESPACE, labels: LABELS };
}

/** The label asks admission for the restricted standard; servers that do not know it ignore it. */
function namespace(): Manifest {
  const labels = { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } };
}

function rulesOf(scope: Permission['scope']): Manifest[] {
  return PERMISSIONS.filter((permission) => permission.scope === scope).map(
    ({ group, resources, verbs }) => ({
      apiGroups: [group],
      resources,
      verbs,
    }),
  );
}

function clusterRole(name: string, rules: Manifest[], labels: Record<string, string> = {}): Manifest {
  return {
    apiVersion: RBAC,
    kind: 'ClusterRole',
    metadata: { name, labels: { ...LABELS, ...labels } },
    rules,
  };
}

function binding(kind: string, metadata: Manifest, roleKind: string): Manifest {
  return {
    apiVersion: RBAC,
    kind,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: NAME },
    subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }],
  };
}

/** Aggregated into the roles that clusters have: view reads, edit and admin write what belongs to a workspace. */
function peopleRoles(): Manifest[] {
  const into = (role: string): Record<string, string> => ({
    [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true',
  });
  const plurals = KINDS.map(({ plural }) => plural);
  const view = [{ apiGroups: [GROUP], resources: plurals, verbs: ['get', 'list', 'watch'] }];
  const edit = [
    {
      apiGroups: [GROUP],
      resources: EDITABLE,
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    },
    { apiGroups: [GROUP], resources: ['smtpaccounts/reports'], verbs: ['get'] },
  ];
  return [
    clusterRole('migosmtp-view', view, { ...into('view'), ...into('edit'), ...into('admin') }),
    clusterRole('migosmtp-edit', edit, { ...into('edit'), ...into('admin') }),
  ];
}

/** The Service of the reports API, and what everybody needs to trust it: its authority's certificate. */
function reports(): Manifest[] {
  const reader = `${REPORTS_NAME}-ca-reader`;
  const everybody = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' };
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [`${REPORTS_NAME}-ca`], verbs: ['get'] },
  ];
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: inNamespace(REPORTS_NAME),
      spec: {
        selector: SELECTOR,
        ports: [{ name: 'https', port: 443, targetPort: 'reports', protocol: 'TCP' }],
      },
    },
    { apiVersion: RBAC, kind: 'Role', metadata: inNamespace(reader), rules },
    {
      apiVersion: RBAC,
      kind: 'RoleBinding',
      metadata: inNamespace(reader),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: reader },
      subjects: [everybody],
    },
  ];
}

function deployment(): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: inNamespace(NAME),
    spec: {
      replicas: 2,
      selector: { matchLabels: SELECTOR },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
      template: { metadata: { labels: LABELS }, spec: podSpec() },
    },
  };
}

function podSpec(): Manifest {
  return {
    serviceAccountName: NAME,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 15,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: SELECTOR },
      },
    ],
    containers: [container()],
  };
}

function container(): Manifest {
  const probe = (path: string, rest: Manifest): Manifest => ({
    httpGet: { path, port: 'health' },
    timeoutSeconds: 2,
    ...rest,
  });
  return {
    name: 'operator',
    image: `ghcr.io/migosmtp/operator:${RELEASE}`,
    env: [
      { name: 'RELAY_IMAGE', value: `ghcr.io/migosmtp/relay:${RELEASE}` },
      { name: 'HEALTH_PORT', value: String(HEALTH_PORT) },
      { name: 'REPORTS_PORT', value: String(REPORTS_PORT) },
    ],
    ports: [
      { name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' },
      { name: 'reports', containerPort: REPORTS_PORT, protocol: 'TCP' },
    ],
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 3 }),
  };
}
