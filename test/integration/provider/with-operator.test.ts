/** The whole loop from Terraform: relay, plan, domain, account, credentials, rotation, test mail, destroy. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { ZoneRecord } from '../../support/dns-server.ts';
import { install, namespace, type Installation } from '../operator/support/installation.ts';
import { objectPath } from './stand-in.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(180_000);

const WORKSPACE = 'shop';
let world: Installation;
let terraform: Terraform;

beforeAll(async () => {
  world = await install({ zones: ['shop.example'] });
  await namespace(world.cluster, WORKSPACE);
  terraform = await Terraform.start(configuration({}));
}, 1_200_000);
afterAll(async () => {
  terraform?.remove();
  await world?.stop();
});

interface Parts {
  verification?: boolean;
  rotation?: number;
  reset?: number;
  credentials?: boolean;
  message?: boolean;
  sixth?: boolean;
}

function configuration(parts: Parts): string {
  const { cluster, sink } = world;
  const where = `namespace = "${WORKSPACE}"`;
  const rest = [
    parts.verification &&
      `resource "migosmtp_domain_verification" "it" {
  name       = migosmtp_verified_domain.it.name
  ${where}
  domain_uid = migosmtp_verified_domain.it.uid
}`,
    parts.credentials &&
      `ephemeral "migosmtp_smtp_credentials" "it" {
  name = migosmtp_smtp_account.it.name
  ${where}
  uid  = migosmtp_smtp_account.it.uid
}
module "app" {
  source = "./app"
  url    = ephemeral.migosmtp_smtp_credentials.it.uri
}`,
    parts.message &&
      `resource "migosmtp_test_message" "it" {
  name        = "hello"
  ${where}
  account_ref = { name = migosmtp_smtp_account.it.name }
  to          = "someone@elsewhere.example"
  from        = "orders@shop.example"
  depends_on  = [migosmtp_domain_verification.it]
}`,
    parts.sixth &&
      `resource "migosmtp_smtp_account" "more" {
  count = 5
  name  = "more-\${count.index}"
  ${where}
}`,
  ];
  return `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_smtp_relay" "it" {
  name     = "relay"
  ${where}
  delivery = { smarthost = { host = "${sink.address}", port = ${sink.port}, tls = "None" } }
  deletion_policy = "Delete"
}
resource "migosmtp_plan_limit" "it" {
  name = "plan"
  ${where}
  plan = "10k"
}
resource "migosmtp_verified_domain" "it" {
  name      = "shop"
  ${where}
  domain    = "shop.example"
  recheck_interval = "1s"
  relay_ref = { name = migosmtp_smtp_relay.it.name }
}
resource "migosmtp_smtp_account" "it" {
  name            = "checkout"
  ${where}
  relay_ref       = { name = migosmtp_smtp_relay.it.name }
  allowed_senders = ["orders@shop.example"]
  limits          = { per_day = 500 }
  rotation        = { revision = ${parts.rotation ?? 0}, reset_revision = ${parts.reset ?? 0}, overlap = "1h" }
  depends_on      = [migosmtp_plan_limit.it]
}
output "dns_records" {
  value = migosmtp_verified_domain.it.dns_records
}
${rest.filter(Boolean).join('\n')}
`;
}

async function nothingToChange(): Promise<void> {
  const plan = await terraform.plan();
  expect(plan.output).toContain('No changes.');
}

const account = () => terraform.attributes('migosmtp_smtp_account');

test('relay, plan, domain and account are there when apply ends', async () => {
  await terraform.apply();
  expect(account()).toMatchObject({
    username: expect.stringMatching(/^smtpuser_[0-9a-f]{8}$/),
    secret_name: 'checkout-smtp',
    port: 587,
    tls_port: 465,
    credentials_revision: 1,
    relay: { name: 'relay', namespace: WORKSPACE },
  });
  expect(terraform.attributes('migosmtp_smtp_relay')).toMatchObject({ current_replicas: 1 });
  await nothingToChange();
});

test('the domain is verified once its records are published', async () => {
  const records = JSON.parse(await terraform.ok(['output', '-json', 'dns_records'])) as (ZoneRecord & {
    purpose: string;
  })[];
  expect(records.map(({ purpose }) => purpose)).toEqual(expect.arrayContaining(['ownership', 'spf', 'dkim']));
  terraform.write(configuration({ verification: true }));
  const applied = terraform.apply();
  await world.dns.publish(records.map(({ name, type, value }) => ({ name, type, value })));
  await applied;
  expect(terraform.attributes('migosmtp_domain_verification')).toMatchObject({ domain: 'shop.example' });
});

test('a test message is followed to its delivery', async () => {
  terraform.write(configuration({ verification: true, message: true }));
  await terraform.apply();
  expect(terraform.attributes('migosmtp_test_message')).toMatchObject({ phase: 'Delivered' });
  await nothingToChange();
});

test('credentials are those of the Secret, and change with the revision', async () => {
  const app =
    'variable "url" {\n ephemeral = true\n}\noutput "url" {\n value = var.url\n ephemeral = true\n}\n';
  terraform.writeModule('app', app);
  const parts = { verification: true, message: true, credentials: true };
  terraform.write(configuration(parts));
  await terraform.ok(['init']);
  await terraform.apply();
  const before = await password();
  terraform.write(configuration({ ...parts, rotation: 1 }));
  await terraform.apply();
  const rotated = await password();
  expect(rotated).not.toBe(before);
  expect(account()['credentials_revision']).toBe(2);
  terraform.write(configuration({ ...parts, rotation: 1, reset: 1 }));
  await terraform.apply();
  expect(await password()).not.toBe(rotated);
  expect(account()['credentials_revision']).toBe(3);
  expect(terraform.read('terraform.tfstate')).not.toContain(await password());
  await nothingToChange();
});

test('one account too many is refused by the API server in words that name the plan', async () => {
  terraform.write(configuration({ verification: true, message: true, rotation: 1, reset: 1, sixth: true }));
  const output = await terraform.refused();
  expect(output).toContain('Error: The plan allows no more');
  expect(output).toMatch(/exceeded quota: \S*10k/);
  terraform.write(configuration({ verification: true, message: true, rotation: 1, reset: 1 }));
  await terraform.apply();
});

test('destroy leaves nothing of it', async () => {
  await terraform.ok(['destroy', '-auto-approve', '-no-color']);
  for (const [plural, name] of [
    ['smtprelays', 'relay'],
    ['smtpaccounts', 'checkout'],
    ['verifieddomains', 'shop'],
    ['planlimits', 'plan'],
    ['testmessages', 'hello'],
  ] as const) {
    const answer = await world.cluster.api.send('GET', objectPath(plural, name, WORKSPACE));
    expect([plural, answer.status]).toEqual([plural, 404]);
  }
});

async function password(): Promise<string> {
  const { data } = await world.cluster.api.get<{ data: Record<string, string> }>(
    `/api/v1/namespaces/${WORKSPACE}/secrets/checkout-smtp`,
  );
  return Buffer.from(data['password'] ?? '', 'base64').toString();
}
