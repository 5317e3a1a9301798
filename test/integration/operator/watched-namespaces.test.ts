/** An operator of some namespaces: it serves these, and has no right to anything in others. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { readCredentials } from '../../support/smtp-client.ts';
import {
  create,
  get,
  install,
  isReady,
  kind,
  namespace,
  relay,
  remove,
  until,
  type Installation,
} from './support/installation.ts';

const OPERATOR = `system:serviceaccount:${NAMESPACE}:migosmtp-operator`;
let world: Installation;

beforeAll(async () => {
  world = await install({ watchNamespaces: ['shop', 'blog'] });
  await relay(world);
  await namespace(world.cluster, 'other');
}, 1_200_000);
afterAll(() => world?.stop());

test('accounts of its namespaces are served, those of others left alone', async () => {
  const { cluster } = world;
  for (const home of ['other', 'shop', 'blog']) await create(cluster, kind('SmtpAccount', home, 'app', {}));
  for (const home of ['shop', 'blog']) await until(cluster, 'SmtpAccount', home, 'app', isReady, 30_000);
  expect((await get(cluster, 'SmtpAccount', 'other', 'app')).status).toBeUndefined();
  expect(await readCredentials(cluster, 'other', 'app-smtp')).toBeUndefined();
});

test('plans, domains and deletions work there with the rights that there are', async () => {
  const { cluster, dns } = world;
  await create(cluster, kind('PlanLimit', 'shop', 'plan', { plan: '10k' }));
  await until(cluster, 'PlanLimit', 'shop', 'plan', isReady, 90_000);
  await create(
    cluster,
    kind('VerifiedDomain', 'shop', 'main', { domain: 'example.com', recheckInterval: '1s' }),
  );
  const { status } = await until(
    cluster,
    'VerifiedDomain',
    'shop',
    'main',
    (object) => object.status?.['dnsRecords'] !== undefined,
  );
  type Records = Parameters<typeof dns.publish>[0];
  await dns.publish(Object.values(status?.['dnsRecords'] as Record<string, Records[number]>));
  await until(cluster, 'VerifiedDomain', 'shop', 'main', isReady, 30_000);
  await remove(cluster, 'SmtpAccount', 'blog', 'app');
  await cluster.waitFor(
    'its Secret to go',
    async () => (await readCredentials(cluster, 'blog', 'app-smtp')) === undefined,
  );
}, 150_000);

interface Question {
  verb: string;
  resource: string;
  group?: string;
  namespace?: string;
}

test.each<[string, Question, boolean]>([
  ['reads Secrets by name in its namespaces', { verb: 'get', resource: 'secrets', namespace: 'shop' }, true],
  ['and in its own', { verb: 'get', resource: 'secrets', namespace: NAMESPACE }, true],
  ['reads none elsewhere', { verb: 'get', resource: 'secrets', namespace: 'other' }, false],
  ['writes none elsewhere', { verb: 'create', resource: 'secrets', namespace: 'other' }, false],
  [
    'restarts nothing elsewhere',
    { verb: 'patch', resource: 'deployments', group: 'apps', namespace: 'other' },
    false,
  ],
  [
    'lists no accounts of all namespaces',
    { verb: 'list', resource: 'smtpaccounts', group: 'migosmtp.com' },
    false,
  ],
  ['knows namespaces by their labels', { verb: 'list', resource: 'namespaces' }, true],
])('the operator %s', async (_, question, expected) => {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: OPERATOR, groups: ['system:authenticated'], resourceAttributes: question },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = (await world.cluster.api.call('POST', path, review)) as { status: { allowed: boolean } };
  expect(status.allowed).toBe(expected);
});
