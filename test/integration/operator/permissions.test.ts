/** What the operator and people may do, asked of the real API server. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE, manifests } from '../../../operator/install/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { apply, namespace, type Thing } from './support/installation.ts';

const OPERATOR = `system:serviceaccount:${NAMESPACE}:migosmtp-operator`;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  for (const manifest of manifests() as unknown as Thing[]) {
    if (manifest.kind !== 'Deployment') await apply(cluster, manifest);
  }
  await namespace(cluster, 'team');
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: 'team', name: 'dev' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'dev' }],
  };
  await apply(cluster, binding);
}, 600_000);
afterAll(() => cluster?.stop());

interface Question {
  verb: string;
  resource: string;
  subresource?: string;
  group?: string;
  namespace?: string;
}

async function mayDo(user: string, question: Question): Promise<boolean> {
  const { namespace = 'team', ...rest } = question;
  const groups =
    user === OPERATOR ? ['system:serviceaccounts', 'system:authenticated'] : ['system:authenticated'];
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, groups, resourceAttributes: { namespace, ...rest } },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = (await cluster.api.call('POST', path, review)) as { status: { allowed: boolean } };
  return status.allowed;
}

const group = 'migosmtp.com';

test.each<[string, Question, boolean]>([
  ['reads a Secret by name', { verb: 'get', resource: 'secrets' }, true],
  ['lists no Secrets', { verb: 'list', resource: 'secrets' }, false],
  ['watches no Secrets', { verb: 'watch', resource: 'secrets' }, false],
  [
    'lists no Secrets in its own namespace either',
    { verb: 'list', resource: 'secrets', namespace: NAMESPACE },
    false,
  ],
  [
    'writes the status of accounts',
    { verb: 'patch', resource: 'smtpaccounts', subresource: 'status', group },
    true,
  ],
  ['does not write their spec', { verb: 'patch', resource: 'smtpaccounts', group }, false],
  ['does not delete accounts', { verb: 'delete', resource: 'smtpaccounts', group }, false],
  ['does not delete Deployments', { verb: 'delete', resource: 'deployments', group: 'apps' }, false],
  [
    'writes NetworkPolicies of relays',
    { verb: 'create', resource: 'networkpolicies', group: 'networking.k8s.io' },
    true,
  ],
  ['deletes none', { verb: 'delete', resource: 'networkpolicies', group: 'networking.k8s.io' }, false],
  ['restarts StatefulSets', { verb: 'patch', resource: 'statefulsets', group: 'apps' }, true],
  ['lists none', { verb: 'list', resource: 'statefulsets', group: 'apps' }, false],
  ['runs nothing in pods', { verb: 'create', resource: 'pods', subresource: 'exec' }, false],
  ['makes no pods', { verb: 'create', resource: 'pods' }, false],
  [
    'gives no rights',
    { verb: 'create', resource: 'rolebindings', group: 'rbac.authorization.k8s.io' },
    false,
  ],
  ['takes no lease elsewhere', { verb: 'update', resource: 'leases', group: 'coordination.k8s.io' }, false],
  [
    'keeps its own lease',
    { verb: 'update', resource: 'leases', group: 'coordination.k8s.io', namespace: NAMESPACE },
    true,
  ],
])('the operator %s', async (_, question, expected) => {
  expect(await mayDo(OPERATOR, question)).toBe(expected);
});

test('people who may edit a workspace write what is theirs, and neither limits nor relays nor status', async () => {
  // Aggregation is the controller manager's work.
  await cluster.waitFor('aggregation', () =>
    mayDo('dev', { verb: 'create', resource: 'smtpaccounts', group }),
  );
  const answers = await Promise.all(
    ['smtpaccounts', 'verifieddomains', 'testmessages', 'planlimits', 'smtprelays'].map(async (resource) => [
      resource,
      await mayDo('dev', { verb: 'create', resource, group }),
      await mayDo('dev', { verb: 'patch', resource, subresource: 'status', group }),
      await mayDo('dev', { verb: 'list', resource, group }),
    ]),
  );
  expect(answers).toEqual([
    ['smtpaccounts', true, false, true],
    ['verifieddomains', true, false, true],
    ['testmessages', true, false, true],
    ['planlimits', false, false, true],
    ['smtprelays', false, false, true],
  ]);
});
