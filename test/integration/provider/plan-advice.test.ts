/** A plan says that a workspace's plan will refuse accounts or domains, before anything is made. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, writeStatus } from './stand-in.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(60_000);

let cluster: Cluster;
let terraform: Terraform;
const configuration = (count: number) => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_smtp_account" "it" {
  count = ${count}
  name  = "account-\${count.index}"
}
`;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  await cluster.api.call('POST', objectPath('planlimits', ''), {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'PlanLimit',
    metadata: { name: 'plan', namespace: 'default' },
    spec: { plan: '10k' },
  });
  await writeStatus(cluster.api, 'planlimits', 'plan', () => ({
    hard: { accounts: 5, domains: 2 },
    used: { accounts: 3, domains: 1 },
  }));
  terraform = await Terraform.start(configuration(2));
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await cluster?.stop();
});

test('as many as the plan allows are planned without a word', async () => {
  const { code, output } = await terraform.plan();
  expect(code).toBe(2);
  expect(output).not.toContain('Warning');
});

test('one more is one warning that names the plan and the count', async () => {
  terraform.write(configuration(9));
  const { code, output } = await terraform.plan();
  expect(code).toBe(2);
  expect(output.match(/Warning:/g)).toHaveLength(1);
  expect(unframed(output)).toContain('Plan 10k of namespace default allows 5 accounts and 3 exist');
});

test('domains are counted apart from accounts', async () => {
  const domains = (count: number) => `${configuration(2)}resource "migosmtp_verified_domain" "it" {
  count  = ${count}
  name   = "domain-\${count.index}"
  domain = "shop-\${count.index}.example"
}
`;
  terraform.write(domains(1));
  expect((await terraform.plan()).output).not.toContain('Warning');
  terraform.write(domains(2));
  const { output } = await terraform.plan();
  expect(output.match(/Warning:/g)).toHaveLength(1);
  expect(unframed(output)).toContain('Plan 10k of namespace default allows 2 domains and 1 exist');
});

test('without a PlanLimit the default plan of the relay counts', async () => {
  const make = (plural: string, kind: string, name: string, spec: object) =>
    cluster.api.call('POST', objectPath(plural, '', 'shared'), {
      apiVersion: 'migosmtp.com/v1alpha1',
      kind,
      metadata: { name, namespace: 'shared' },
      spec,
    });
  await cluster.api.call('POST', '/api/v1/namespaces', { metadata: { name: 'shared' } });
  await make('smtprelays', 'SmtpRelay', 'mail', { delivery: { direct: {} }, defaultPlan: '10k' });
  await make('smtprelays', 'SmtpRelay', 'spare', { delivery: { direct: {} } });
  for (const name of ['a', 'b', 'c']) await make('smtpaccounts', 'SmtpAccount', name, {});
  const inShared = (count: number, more = '') =>
    configuration(count).replace('name  =', `namespace = "shared"\n ${more}\n name  =`);
  // Which of two relays it will be, nobody knows yet.
  terraform.write(inShared(3));
  expect((await terraform.plan()).output).not.toContain('Warning');
  terraform.write(inShared(3, 'relay_ref = { name = "mail" }'));
  expect(unframed((await terraform.plan()).output)).toContain(
    'Plan 10k, the default of relay shared/mail for namespace shared, allows 5 accounts and 3 exist',
  );
  await writeStatus(
    cluster.api,
    'smtpaccounts',
    'a',
    () => ({ relayRef: { namespace: 'shared', name: 'mail' } }),
    'shared',
  );
  terraform.write(inShared(2));
  expect((await terraform.plan()).output).not.toContain('Warning');
  terraform.write(inShared(3));
  const { code, output } = await terraform.plan();
  expect(code).toBe(2);
  expect(output.match(/Warning:/g)).toHaveLength(1);
  expect(unframed(output)).toContain('those get no login. Give the namespace a larger plan');
});

test('a cluster that cannot be asked is no reason to fail', async () => {
  terraform.write(configuration(9).replace(/config_path.*/, 'host = "https://127.0.0.1:1"'));
  const { code, output } = await terraform.plan();
  expect(code).toBe(2);
  expect(output).not.toContain('Warning');
});
