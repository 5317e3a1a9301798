/** Data sources of every kind, one object and lists, and what is told where there is none. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(120_000);

const ROWS = [
  {
    type: 'smtp_relay',
    kind: 'SmtpRelay',
    spec: { delivery: { direct: {} } },
    shows: { address: 'mail.example.com', delivery: { direct: {} } },
  },
  {
    type: 'smtp_account',
    kind: 'SmtpAccount',
    spec: { limits: { perDay: 7 } },
    shows: { username: 'smtpuser_0a1b2c3d', limits: { per_day: 7 }, port: 587 },
  },
  {
    type: 'verified_domain',
    kind: 'VerifiedDomain',
    spec: { domain: 'shop.example' },
    shows: { domain: 'shop.example', dkim_record: { type: 'TXT', value: 'v=DKIM1; p=AAAA' } },
  },
  {
    type: 'plan_limit',
    kind: 'PlanLimit',
    spec: { plan: '10k' },
    shows: { plan: '10k', hard: { accounts: 5 } },
  },
  {
    type: 'test_message',
    kind: 'TestMessage',
    spec: { accountRef: { name: 'it' }, to: 'me@example.net' },
    shows: { phase: 'Delivered', account_ref: { name: 'it' } },
  },
] as const;

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
const provider = () => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
`;
const plural = (kind: string) => `${kind.toLowerCase()}s`;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  for (const { kind, spec } of ROWS) {
    const metadata = { name: 'it', namespace: 'default', labels: { team: 'shop' } };
    const object = { apiVersion: 'migosmtp.com/v1alpha1', kind, metadata, spec };
    await cluster.api.call('POST', objectPath(plural(kind), ''), object);
  }
  for (const { kind } of ROWS) {
    const isAnswered = async () => {
      const { status } = await cluster.api.get<CustomObject>(objectPath(plural(kind), 'it'));
      return status?.['observedGeneration'] !== undefined;
    };
    await cluster.waitFor(`status of ${kind}`, isAnswered, 60_000);
  }
  terraform = await Terraform.start(provider());
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await operator?.stop();
  await cluster?.stop();
});

test('each shows spec and status of an object, and its list finds it', async () => {
  const blocks = ROWS.map(
    ({ type }) => `data "migosmtp_${type}" "it" {
  name = "it"
}
data "migosmtp_${type}s" "all" {
  namespace = "default"
}
output "${type}" {
  value = { one = data.migosmtp_${type}.it, names = data.migosmtp_${type}s.all.items[*].name }
}
`,
  );
  terraform.write(provider() + blocks.join(''));
  await terraform.apply();
  const shown = JSON.parse(await terraform.ok(['output', '-json'])) as Record<string, { value: unknown }>;
  for (const { type, shows } of ROWS) {
    expect(shown[type]?.value).toMatchObject({
      one: { ...shows, labels: { team: 'shop' }, conditions: [{ type: 'Ready', status: 'True' }] },
      names: ['it'],
    });
  }
  expect((await terraform.plan()).code).toBe(0);
});

test.each(ROWS)('$type: an object that is not there is one error at its name', async ({ type, kind }) => {
  terraform.write(`${provider()}data "migosmtp_${type}" "it" {\n  name = "nobody"\n}\n`);
  const { code, output } = await terraform.run(['plan', '-no-color']);
  expect(code).toBe(1);
  expect(output.match(/Error:/g)).toHaveLength(1);
  expect(unframed(output)).toContain('Error: Object not found');
  expect(unframed(output)).toContain(`${kind} default/nobody`);
  expect(output).toContain('name = "nobody"');
});
