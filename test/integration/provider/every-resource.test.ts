/** What holds for every kind of resource alike: cancelled, killed half-way, taken over with generated configuration. */
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { condition, objectPath, StandIn, writeStatus, type CustomObject } from './stand-in.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(180_000);

interface Row {
  readonly type: string;
  readonly plural: string;
  readonly name: string;
  readonly body: string;
}

const ROWS: readonly Row[] = [
  { type: 'smtp_relay', plural: 'smtprelays', name: 'main', body: 'delivery = { direct = {} }' },
  {
    type: 'smtp_account',
    plural: 'smtpaccounts',
    name: 'billing',
    body: 'allowed_senders = ["a@example.com"]\n  limits = { per_day = 500 }\n  labels = { team = "shop" }',
  },
  { type: 'verified_domain', plural: 'verifieddomains', name: 'example', body: 'domain = "example.com"' },
  { type: 'plan_limit', plural: 'planlimits', name: 'plan', body: 'plan = "10k"' },
  {
    type: 'test_message',
    plural: 'testmessages',
    name: 'hello',
    body: 'account_ref = { name = "billing" }\n  to = "me@example.net"',
  },
];

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
const provider = () => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
`;
/** The stand-in leaves these alone, so that every apply is still waiting when it is stopped. */
const resources = () =>
  ROWS.map(
    ({ type, name, body }) => `resource "migosmtp_${type}" "it" {
  name        = "${name}"
  annotations = { "test/silent" = "yes" }
  ${body}
}
`,
  ).join('');
/** A verification has no object of its own: it waits for one that is there. */
const VERIFICATION = `resource "migosmtp_domain_verification" "it" {
  name = "example"
}
`;
const live = ({ plural, name }: Row) => cluster.api.get<CustomObject>(objectPath(plural, name));
const allExist = () => cluster.waitFor('all objects', () => Promise.all(ROWS.map(live)), 60_000);

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
}, 600_000);
afterEach(async () => {
  terraform?.remove();
  for (const { plural, name } of ROWS)
    await cluster.api.call('DELETE', objectPath(plural, name), undefined, { allowed: [404] });
});
afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

test('Ctrl-C keeps everything in the state that was made', async () => {
  terraform = await Terraform.start(provider() + resources());
  let isAsked = false;
  const { code, output } = await terraform.run(['apply', '-auto-approve', '-no-color'], {
    onOutput: (_text, kill) => {
      if (isAsked) return;
      isAsked = true;
      void allExist().then(() => kill('SIGINT'));
    },
  });
  expect(code).toBe(1);
  expect(output.match(/Error: Cancelled/g)).toHaveLength(ROWS.length);
  for (const row of ROWS) {
    const { metadata } = await live(row);
    expect([row.type, terraform.attributes(`migosmtp_${row.type}`)['uid']]).toEqual([row.type, metadata.uid]);
  }
});

test('Ctrl-C ends the wait for a verification, and nothing is kept of it', async () => {
  await cluster.api.call('POST', objectPath('verifieddomains', ''), {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'VerifiedDomain',
    metadata: { name: 'example', namespace: 'default', annotations: { 'test/silent': 'yes' } },
    spec: { domain: 'example.com' },
  });
  await writeStatus(cluster.api, 'verifieddomains', 'example', () => ({
    conditions: [condition('Ready', 'Unknown', 1, 'AwaitingDns')],
  }));
  terraform = await Terraform.start(provider() + VERIFICATION);
  let isAsked = false;
  const { code, output } = await terraform.run(['apply', '-auto-approve', '-no-color'], {
    onOutput: (text, kill) => {
      if (isAsked || !text.includes('Still creating...')) return;
      isAsked = true;
      kill('SIGINT');
    },
  });
  expect(code).toBe(1);
  expect(output).toContain('Error: Cancelled');
  expect(await terraform.ok(['state', 'list'])).toBe('');
});

test('killed between write and state: told for each, and taken over with generated configuration', async () => {
  terraform = await Terraform.start(provider() + resources());
  let isAsked = false;
  await terraform.run(['apply', '-auto-approve', '-no-color'], {
    onOutput: (_text, kill) => {
      if (isAsked) return;
      isAsked = true;
      void allExist().then(() => kill('SIGKILL'));
    },
  });
  const { output } = await terraform.run(['apply', '-auto-approve', '-no-color', '-lock=false']);
  expect(output.match(/Error: Object exists already/g)).toHaveLength(ROWS.length);
  const imports = ROWS.map(
    ({ type, name }) => `import {
  to = migosmtp_${type}.it
  id = "default/${name}"
}
`,
  );
  terraform.write(provider() + imports.join(''));
  const generate = ['plan', '-no-color', '-lock=false', '-generate-config-out=generated.tf'];
  expect(await terraform.ok(generate)).toContain(`${ROWS.length} to import, 0 to add, 0 to change`);
  await terraform.ok(['apply', '-auto-approve', '-no-color', '-lock=false']);
  expect((await terraform.plan()).output).toContain('No changes.');
  rmSync(join(terraform.folder, 'generated.tf'));
  terraform.write(provider() + resources());
  expect((await terraform.plan()).output).toContain('No changes.');
});
