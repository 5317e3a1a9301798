/** The life of every resource under the real terraform and the real API server. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { Terraform } from './terraform.ts';

interface Case {
  type: string;
  plural: string;
  name: string;
  /** Arguments at creation, after a change in place, and after one that needs a new object. */
  created: string;
  updated?: string;
  replaced?: string;
  expectSpec: object;
  expectUpdatedSpec?: object;
  expectComputed: Record<string, unknown>;
}

const CASES: Case[] = [
  {
    type: 'migosmtp_smtp_relay',
    plural: 'smtprelays',
    name: 'main',
    created: 'delivery = { direct = {} }',
    updated: `delivery = { smarthost = { host = "next.example.com", port = 2525, tls = "None" } }
      pod_template = jsonencode({ spec = { nodeSelector = { pool = "mail" } } })`,
    expectSpec: { delivery: { direct: {} } },
    expectUpdatedSpec: {
      delivery: { smarthost: { host: 'next.example.com', port: 2525, tls: 'None' } },
      podTemplate: { spec: { nodeSelector: { pool: 'mail' } } },
    },
    expectComputed: { address: 'mail.example.com', current_replicas: 1, ca_bundle: 'PEM' },
  },
  {
    type: 'migosmtp_smtp_account',
    plural: 'smtpaccounts',
    name: 'billing',
    created: `allowed_senders = ["z@example.com", "*@example.com"]
      limits = { per_day = 500, on_window_limit = "Reject" }
      secret = { keys = { MAIL_URL = "{{uri}}" } }
      labels = { team = "shop" }`,
    updated: `allowed_senders = ["*@example.com"]
      limits = { per_day = 600 }
      rotation = { revision = 2, overlap = "10m" }
      rollout_targets = [{ kind = "Deployment", name = "b" }, { kind = "Deployment", name = "a" }]
      annotations = { note = "ünïcödé \\"quoted\\"" }`,
    expectSpec: {
      allowedSenders: ['*@example.com', 'z@example.com'],
      limits: { perDay: 500, onWindowLimit: 'Reject' },
      secret: { keys: { MAIL_URL: '{{uri}}' } },
    },
    expectUpdatedSpec: {
      allowedSenders: ['*@example.com'],
      limits: { perDay: 600 },
      rotation: { revision: 2, overlap: '10m' },
      rolloutTargets: [
        { kind: 'Deployment', name: 'a' },
        { kind: 'Deployment', name: 'b' },
      ],
    },
    expectComputed: {
      username: 'smtpuser_0a1b2c3d',
      secret_name: 'billing-smtp',
      port: 587,
      tls_port: 465,
      credentials_revision: 1,
    },
  },
  {
    type: 'migosmtp_verified_domain',
    plural: 'verifieddomains',
    name: 'example',
    created: 'domain = "example.com"',
    updated: `domain = "example.com"
      dkim = { key_type = "Both" }
      allowed_namespaces = { from = "Selector", selector = { match_labels = { mail = "yes" } } }`,
    replaced: 'domain = "example.org"',
    expectSpec: { domain: 'example.com' },
    expectUpdatedSpec: {
      domain: 'example.com',
      dkim: { keyType: 'Both' },
      allowedNamespaces: { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } },
    },
    expectComputed: { observed_domain: 'example.com', dmarc_record: null },
  },
  {
    type: 'migosmtp_plan_limit',
    plural: 'planlimits',
    name: 'plan',
    created: 'plan = "10k"',
    updated: `plan = "20k"
      emails = { per_day = 2000 }`,
    expectSpec: { plan: '10k' },
    expectUpdatedSpec: { plan: '20k', emails: { perDay: 2000 } },
    expectComputed: {},
  },
  {
    type: 'migosmtp_test_message',
    plural: 'testmessages',
    name: 'hello',
    created: `account_ref = { name = "billing" }
      to = "me@example.net"`,
    replaced: `account_ref = { name = "billing" }
      to = "you@example.net"`,
    expectSpec: { accountRef: { name: 'billing' }, to: 'me@example.net' },
    expectComputed: { phase: 'Delivered', response: '250 ok' },
  },
];

jest.setTimeout(120_000);

let cluster: Cluster;
let operator: StandIn;
beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
}, 600_000);
afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

describe.each(CASES)('$type', (row) => {
  const { type, plural, name } = row;
  let terraform: Terraform;
  const configuration = (body: string) => `provider "migosmtp" {
    config_path = "${cluster.kubeconfig}"
  }
  resource "${type}" "it" {
    name = "${name}"
    ${body}
  }
  data "${type}" "it" {
    name = ${type}.it.name
  }
  output "uid" {
    value = data.${type}.it.uid
  }`;
  const live = () => cluster.api.get<CustomObject>(objectPath(plural, name));
  const nothingToChange = async () => {
    const plan = await terraform.plan();
    expect(plan.output).toContain('No changes.');
    expect(plan.code).toBe(0);
  };

  beforeAll(async () => {
    terraform = await Terraform.start(configuration(row.created));
  });
  afterAll(() => terraform?.remove());

  it('is created with exactly the declared fields, waits for status, and then plans nothing', async () => {
    await terraform.apply();
    expect((await live()).spec).toEqual(row.expectSpec);
    expect(terraform.attributes(type)).toMatchObject(row.expectComputed);
    expect(await terraform.ok(['output', '-raw', 'uid'])).toBe((await live()).metadata.uid);
    await nothingToChange();
  });

  it('is changed in place', async () => {
    if (!row.updated) return;
    const before = (await live()).metadata.uid;
    terraform.write(configuration(row.updated));
    const output = await terraform.apply();
    expect(output).toContain('0 added, 1 changed, 0 destroyed');
    expect((await live()).spec).toEqual(row.expectUpdatedSpec);
    expect((await live()).metadata.uid).toBe(before);
    await nothingToChange();
  });

  it('loses in the cluster what is removed from the declaration', async () => {
    if (!row.updated) return;
    terraform.write(configuration(row.created));
    await terraform.apply();
    expect((await live()).spec).toEqual(row.expectSpec);
    await nothingToChange();
  });

  it('is restored from an import as it was declared', async () => {
    await terraform.ok(['state', 'rm', `${type}.it`]);
    await terraform.ok(['import', '-no-color', `${type}.it`, `default/${name}`]);
    await nothingToChange();
  });

  it('is created again after someone deleted it', async () => {
    await cluster.api.call('DELETE', objectPath(plural, name));
    const output = await terraform.apply();
    expect(output).toContain('1 added, 0 changed, 0 destroyed');
    await nothingToChange();
  });

  it('is replaced when a fixed field changes', async () => {
    if (!row.replaced) return;
    const before = (await live()).metadata.uid;
    terraform.write(configuration(row.replaced));
    const plan = await terraform.plan();
    expect(plan.output).toContain('# forces replacement');
    await terraform.apply();
    expect((await live()).metadata.uid).not.toBe(before);
    await nothingToChange();
  });

  it('is destroyed', async () => {
    await terraform.ok(['destroy', '-auto-approve', '-no-color']);
    const answer = await cluster.api.send('GET', objectPath(plural, name));
    expect(answer.status).toBe(404);
  });
});
