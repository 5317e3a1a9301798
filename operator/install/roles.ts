/** Who may do what: the operator (from the table of permissions) and people (aggregated into the roles that clusters have). */
import { GROUP, KINDS } from '../api/index.ts';
import { REPORTS_NAME } from '../reports/names.ts';
import { EDITABLE, PERMISSIONS, type Permission } from './permissions.ts';
import { inNamespace, LABELS, NAME, type InstallSettings, type Manifest } from './settings.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Rights on objects of namespaces: bound everywhere, or in each namespace that is watched. */
const WATCHED = `${NAME}-watched`;

export function operatorRoles(settings: InstallSettings): Manifest[] {
  const metadata = inNamespace(settings, NAME);
  const subjects = subjectsOf(settings);
  return [
    clusterRole(NAME, rulesOf('cluster')),
    {
      apiVersion: RBAC,
      kind: 'ClusterRoleBinding',
      metadata: { name: NAME, labels: LABELS },
      roleRef: roleRef('ClusterRole', NAME),
      subjects,
    },
    clusterRole(WATCHED, rulesOf('watched')),
    { apiVersion: RBAC, kind: 'Role', metadata, rules: rulesOf('own') },
    { apiVersion: RBAC, kind: 'RoleBinding', metadata, roleRef: roleRef('Role', NAME), subjects },
  ];
}

/** With namespaces named, the operator has no right to any Secret elsewhere. */
export function watchedBindings(settings: InstallSettings): Manifest[] {
  const { watchNamespaces, namespace } = settings;
  if (watchNamespaces.length === 0) return [watchedBinding(settings, undefined)];
  return [...new Set([...watchNamespaces, namespace])].map((home) => watchedBinding(settings, home));
}

/** `home` undefined: everywhere. */
export function watchedBinding(settings: InstallSettings, home: string | undefined): Manifest {
  return {
    apiVersion: RBAC,
    kind: home === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name: WATCHED, ...(home === undefined ? {} : { namespace: home }), labels: LABELS },
    roleRef: roleRef('ClusterRole', WATCHED),
    subjects: subjectsOf(settings),
  };
}

function subjectsOf({ namespace }: InstallSettings): Manifest[] {
  return [{ kind: 'ServiceAccount', name: NAME, namespace }];
}

function roleRef(kind: string, name: string): Manifest {
  return { apiGroup: RBAC_GROUP, kind, name };
}

function rulesOf(scope: Permission['scope']): Manifest[] {
  return PERMISSIONS.filter((permission) => permission.scope === scope).map(
    ({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }),
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

/** view reads; edit and admin write what belongs to a workspace. Limits, relays and status are nobody's here. */
export function peopleRoles(): Manifest[] {
  const into = (role: string): Record<string, string> => ({ [`${RBAC_GROUP}/aggregate-to-${role}`]: 'true' });
  const plurals = KINDS.map(({ plural }) => plural);
  const view = [{ apiGroups: [GROUP], resources: plurals, verbs: ['get', 'list', 'watch'] }];
  const verbs = ['create', 'update', 'patch', 'delete', 'deletecollection'];
  const edit = [
    { apiGroups: [GROUP], resources: EDITABLE, verbs },
    { apiGroups: [GROUP], resources: ['smtpaccounts/reports'], verbs: ['get'] },
  ];
  return [
    clusterRole('migosmtp-view', view, { ...into('view'), ...into('edit'), ...into('admin') }),
    clusterRole('migosmtp-edit', edit, { ...into('edit'), ...into('admin') }),
  ];
}

/** Everybody may read the certificate of the authority that the reports API is to be trusted by. */
export function reportsReader(settings: InstallSettings): Manifest[] {
  const metadata = inNamespace(settings, `${REPORTS_NAME}-ca-reader`);
  const everybody = { apiGroup: RBAC_GROUP, kind: 'Group', name: 'system:authenticated' };
  const resourceNames = [`${REPORTS_NAME}-ca`];
  return [
    {
      apiVersion: RBAC,
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames, verbs: ['get'] }],
    },
    {
      apiVersion: RBAC,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC_GROUP, kind: 'Role', name: metadata['name'] },
      subjects: [everybody],
    },
  ];
}
