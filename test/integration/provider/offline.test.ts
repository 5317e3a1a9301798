/** What works without any cluster: plans of new objects, functions, mocks, moved, unknown settings. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXAMPLES } from '../../../provider/docs/examples.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(60_000);

let terraform: Terraform;
const NOWHERE = `provider "migosmtp" {
  host = "https://127.0.0.1:1"
}
`;
beforeAll(async () => {
  terraform = await Terraform.start(NOWHERE);
}, 120_000);
afterAll(() => terraform.remove());

/** Each kind of resource, as configuration and as the state that belongs to it. */
const EVERY: readonly { type: string; body: string; attributes: Record<string, unknown> }[] = [
  {
    type: 'smtp_relay',
    body: 'delivery = { direct = {} }',
    attributes: { delivery: { direct: {}, smarthost: null } },
  },
  { type: 'smtp_account', body: 'display_name = "x"', attributes: { display_name: 'x' } },
  { type: 'verified_domain', body: 'domain = "example.com"', attributes: { domain: 'example.com' } },
  { type: 'plan_limit', body: 'plan = "10k"', attributes: { plan: '10k' } },
  {
    type: 'test_message',
    body: 'account_ref = { name = "x" }\n  to = "me@example.net"',
    attributes: { account_ref: { name: 'x' }, to: 'me@example.net' },
  },
  { type: 'domain_verification', body: '', attributes: { domain: 'example.com' } },
].map((row) => ({ ...row, attributes: { name: 'it', namespace: 'default', ...row.attributes } }));

describe('validate', () => {
  it('leaves alone what only apply will know', async () => {
    terraform.write(`resource "terraform_data" "late" {}
resource "migosmtp_smtp_account" "it" {
  name          = "it"
  password_from = terraform_data.late.output
  rotation      = { interval = terraform_data.late.output, revision = 1 }
  limits        = { per_day = terraform_data.late.output }
}`);
    await terraform.ok(['validate']);
  });
});

describe('plan', () => {
  it('of new objects needs no cluster', async () => {
    terraform.write(`${NOWHERE}resource "migosmtp_smtp_account" "it" {\n name = "it"\n}`);
    const { output } = await terraform.plan();
    expect(output).toMatch(/username\s+= \(known after apply\)/);
    expect(output).toMatch(/namespace\s+= "default"/);
  });

  it('works while the cluster is still to be made', async () => {
    terraform.write(`resource "terraform_data" "cluster" {
  input = "https://127.0.0.1:1"
}
provider "migosmtp" {
  host = terraform_data.cluster.output
}
resource "migosmtp_smtp_account" "it" {
  name = "it"
}
ephemeral "migosmtp_smtp_credentials" "it" {
  name = migosmtp_smtp_account.it.name
  uid  = migosmtp_smtp_account.it.uid
}`);
    expect((await terraform.plan()).output).toContain('2 to add');
  });

  it('warns at its line of a kubeconfig that is not there yet; an apply that makes it finds it', async () => {
    const kubeconfig = {
      clusters: [{ name: 'made', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [{ name: 'made', context: { cluster: 'made' } }],
      'current-context': 'made',
    };
    terraform.write(`provider "migosmtp" {
  config_path = "${terraform.folder}/made.json"
}
resource "terraform_data" "cluster" {
  provisioner "local-exec" {
    command = ${JSON.stringify(`printf %s '${JSON.stringify(kubeconfig)}' > made.json`)}
  }
}
resource "migosmtp_smtp_account" "it" {
  name       = "it"
  depends_on = [terraform_data.cluster]
}`);
    const { output } = await terraform.plan();
    expect(output.match(/Warning: No cluster is found yet/g)).toHaveLength(1);
    expect(output).toMatch(/\d: +config_path = /);
    const refused = await terraform.refused();
    expect(refused).toContain('Error: Cluster cannot be reached');
    expect(refused).toContain('https://127.0.0.1:1');
    await terraform.ok(['state', 'rm', 'terraform_data.cluster']);
  });

  it.each(EVERY)('follows a moved block of $type', async ({ type, attributes, body }) => {
    // An attribute that this release does not have any more is dropped.
    const secret = type === 'smtp_account' ? [[{ type: 'get_attr', value: 'password_wo' }]] : [];
    const instances = [
      {
        schema_version: 0,
        attributes: { ...attributes, forgotten: true },
        sensitive_attributes: secret,
      },
    ];
    const state = {
      version: 4,
      terraform_version: '1.11.4',
      serial: 1,
      lineage: 'test',
      outputs: {},
      resources: [
        {
          mode: 'managed',
          type: `migosmtp_${type}`,
          name: 'old',
          provider: 'provider["registry.terraform.io/migosmtp/migosmtp"]',
          instances,
        },
      ],
    };
    writeFileSync(join(terraform.folder, 'old.tfstate'), JSON.stringify(state));
    terraform.write(`${NOWHERE}resource "migosmtp_${type}" "new" {
  name = "it"
  ${body}
}
moved {
  from = migosmtp_${type}.old
  to   = migosmtp_${type}.new
}`);
    const args = ['plan', '-no-color', '-refresh=false', '-state=old.tfstate'];
    const output = await terraform.ok(args);
    expect(output).toContain(`migosmtp_${type}.old has moved to migosmtp_${type}.new`);
    expect(output).toContain('0 to add, 0 to change, 0 to destroy');
  });
});

describe('functions', () => {
  it.each([
    [
      'smtp_url("mail.example.com", 587, "user@x", "p:w/ä")',
      'smtp://user%40x:p%3Aw%2F%C3%A4@mail.example.com:587',
    ],
    ['smtp_url("mail.example.com", 465, "u", "p")', 'smtps://u:p@mail.example.com:465'],
    [
      'spf_merge("v=spf1 mx ~all", "v=spf1 a:relay.example.com mx -all")',
      'v=spf1 mx a:relay.example.com ~all',
    ],
    [
      'join("|", provider::migosmtp::txt_chunks(join("", [for i in range(300) : "x"])))',
      `${'x'.repeat(255)}|${'x'.repeat(45)}`,
    ],
  ])('%s', async (call, expected) => {
    const expression = call.startsWith('join') ? call : `provider::migosmtp::${call}`;
    terraform.write(`${NOWHERE}output "it" {\n value = ${expression}\n}`);
    expect(await terraform.ok(['plan', '-no-color'])).toContain(`"${expected}"`);
  });

  it('say which argument is wrong', async () => {
    terraform.write(`output "it" {\n value = provider::migosmtp::smtp_url("h", 70000, "u", "p")\n}`);
    const { code, output } = await terraform.run(['plan', '-no-color']);
    expect(code).toBe(1);
    expect(unframed(output)).toContain('port must be a whole number from 1 to 65535');
  });
});

describe('terraform test', () => {
  it('runs with a mocked provider, whatever the resource', async () => {
    const resources = EVERY.map(
      ({ type, body }) => `resource "migosmtp_${type}" "it" {\n name = "it"\n ${body}\n}\n`,
    );
    terraform.write(`${NOWHERE}${resources.join('')}
output "username" {\n value = migosmtp_smtp_account.it.username\n}`);
    mkdirSync(join(terraform.folder, 'tests'), { recursive: true });
    const made = EVERY.map(({ type }) => `migosmtp_${type}.it.name == "it"`);
    writeFileSync(
      join(terraform.folder, 'tests/account.tftest.hcl'),
      `mock_provider "migosmtp" {
  mock_resource "migosmtp_smtp_account" {
    defaults = { username = "smtpuser_00000000" }
  }
}
run "makes_all" {
  assert {
    condition     = output.username == "smtpuser_00000000"
    error_message = "no username"
  }
  assert {
    condition     = ${made.join(' && ')}
    error_message = "a resource is missing"
  }
}`,
    );
    expect(await terraform.ok(['test', '-no-color'])).toContain('1 passed, 0 failed');
  });
});

describe('the examples of the documentation', () => {
  it('are valid', async () => {
    const examples = Object.values(EXAMPLES).filter((text) => !text.includes('required_providers'));
    const modules = examples.map((text, index) => {
      terraform.writeModule(`example${index}`, text);
      return `module "example${index}" {\n source = "./example${index}"\n}\n`;
    });
    terraform.write(NOWHERE + modules.join(''));
    await terraform.ok(['init']);
    await terraform.ok(['validate']);
  });
});

describe('providers schema', () => {
  it('marks what is secret, and has no password outside of the ephemeral resource', async () => {
    const text = await terraform.ok(['providers', 'schema', '-json']);
    const schema = (JSON.parse(text) as { provider_schemas: Record<string, Record<string, object>> })
      .provider_schemas['registry.terraform.io/migosmtp/migosmtp'];
    const stored = JSON.stringify([schema?.['resource_schemas'], schema?.['data_source_schemas']]);
    expect(stored).not.toMatch(/"(password|uri)":/);
    expect(JSON.stringify(schema?.['ephemeral_resource_schemas'])).toMatch(
      /"password":\{[^}]*"sensitive":true/,
    );
  });
});
