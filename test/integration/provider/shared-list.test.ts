/** A refresh of many objects shares a list, and sees what changed and what is gone all the same. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { condition, objectPath, writeStatus } from './stand-in.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(90_000);

const COUNT = 30;
let cluster: Cluster;
let terraform: Terraform;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  terraform = await Terraform.start(configuration(cluster));
  await terraform.apply();
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await cluster?.stop();
});

function configuration({ kubeconfig }: Cluster): string {
  return `provider "migosmtp" {
  config_path = "${kubeconfig}"
}
resource "migosmtp_smtp_account" "it" {
  count  = ${COUNT}
  name   = "account-\${count.index}"
  limits = { per_day = 500 }
  wait   = false
}
`;
}

test('far fewer requests than objects are made', async () => {
  const log = `${terraform.folder}/trace.log`;
  const { code } = await terraform.plan({ env: { TF_LOG_PROVIDER: 'DEBUG', TF_LOG_PATH: log } });
  expect(code).toBe(0);
  const requests = terraform.read('trace.log').match(/kubernetes request/g)?.length ?? 0;
  expect(requests).toBeGreaterThan(0);
  expect(requests).toBeLessThan(COUNT / 2);
});

test('what goes on by itself is no drift; a data source shows it', async () => {
  const credentials = { revision: 2, issuedAt: '2026-11-22T00:00:00Z', answered: { rotation: 0, reset: 0 } };
  await writeStatus(cluster.api, 'smtpaccounts', 'account-3', () => ({ credentials }));
  await terraform.ok(['apply', '-refresh-only', '-auto-approve']);
  const later = {
    usage: { month: '2026-11', emails: 7, today: 7, asOf: '2026-11-22T00:00:00Z' },
    credentials: {
      ...credentials,
      previous: [{ revision: 1, validUntil: '2026-11-23T00:00:00Z', lastUsedAt: '2026-11-22T00:00:00Z' }],
      nextRotationAt: '2026-12-22T00:00:00Z',
    },
    conditions: [condition('Ready', 'True', 1, 'Published')],
  };
  await writeStatus(cluster.api, 'smtpaccounts', 'account-3', () => later);
  // The exit code compares numbers as they are held, which the words do not.
  const { code, output } = await terraform.run(['plan', '-refresh-only', '-detailed-exitcode', '-no-color']);
  expect(output).toContain('No changes.');
  expect(code).toBe(0);
  const data = 'data "migosmtp_smtp_account" "it" { name = "account-3" }\n';
  terraform.write(`${configuration(cluster)}${data}output "it" {
  value = [
    data.migosmtp_smtp_account.it.usage.emails, data.migosmtp_smtp_account.it.conditions[0].reason,
    data.migosmtp_smtp_account.it.credentials.previous[0].last_used_at
  ]
}
`);
  await terraform.apply();
  expect(JSON.parse(await terraform.ok(['output', '-json', 'it']))).toEqual([
    7,
    'Published',
    '2026-11-22T00:00:00Z',
  ]);
});

test('nor is what a plan counts and what a relay goes through', async () => {
  const started = await Terraform.start(`provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_plan_limit" "it" {
  name = "counts"
  plan = "10k"
  wait = false
}
resource "migosmtp_smtp_relay" "it" {
  name     = "busy"
  delivery = { direct = {} }
  wait     = false
}
`);
  await started.apply();
  const stand = (count: number) => ({
    planlimits: {
      used: { accounts: count, perDay: count },
      period: { month: '2026-11', day: `2026-11-0${count}`, timeZone: 'UTC' },
      accounts: [`account-${count}`],
      asOf: `2026-11-0${count}T00:00:00Z`,
    },
    smtprelays: {
      accounts: count,
      domains: count,
      revision: count,
      readyReplicas: count,
      pods: [{ name: `busy-${count}`, appliedRevision: count }],
    },
  });
  const write = async (count: number) => {
    await writeStatus(cluster.api, 'planlimits', 'counts', () => stand(count).planlimits);
    await writeStatus(cluster.api, 'smtprelays', 'busy', () => stand(count).smtprelays);
  };
  await write(1);
  await started.ok(['apply', '-refresh-only', '-auto-approve']);
  await write(2);
  const { code, output } = await started.run(['plan', '-refresh-only', '-detailed-exitcode', '-no-color']);
  expect(output).toContain('No changes.');
  expect(code).toBe(0);
  started.remove();
});

test('a change and a deletion are seen', async () => {
  const patch = { spec: { limits: { perDay: 7 } } };
  await cluster.api.call('PATCH', objectPath('smtpaccounts', 'account-20'), patch, { patch: 'merge' });
  await cluster.api.call('DELETE', objectPath('smtpaccounts', 'account-21'));
  const { output } = await terraform.plan();
  expect(output).toContain('1 to add, 1 to change, 0 to destroy');
  expect(output).toMatch(/per_day = 7 -> 500/);
});
