/** A password that the configuration brings along: into a Secret, and nowhere else. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { Terraform } from './terraform.ts';
import { unzip } from './unzip.ts';

jest.setTimeout(120_000);

const FIRST = 'PLANTED-first-Qx7Vw2Lm9Rt4';
const SECOND = 'PLANTED-second-Zb3Nc8Hd5Ks1';

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
const configuration = (body: string) => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
variable "password" {
  type      = string
  ephemeral = true
  default   = null
}
resource "migosmtp_smtp_account" "it" {
  name = "legacy"
  ${body}
}
`;
const withPassword = (version: number) =>
  configuration(`password_wo = var.password\n  password_wo_version = ${version}`);
const live = () => cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'legacy'));
const secret = async (version: number) => {
  const path = `/api/v1/namespaces/default/secrets/legacy-password-v${version}`;
  const { status, body } = await cluster.api.send('GET', path);
  const { data } = (body ?? {}) as { data?: Record<string, string> };
  return status === 404 ? undefined : Buffer.from(data?.['password'] ?? '', 'base64').toString();
};
const apply = (password: string) =>
  terraform.apply({
    env: { TF_VAR_password: password, TF_LOG: 'TRACE', TF_LOG_PATH: join(terraform.folder, 'trace.log') },
  });

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  terraform = await Terraform.start(withPassword(1));
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await operator?.stop();
  await cluster?.stop();
});

test('is in the Secret that the object names, when the object is Ready', async () => {
  await apply(FIRST);
  expect((await live()).spec).toEqual({ passwordFrom: { name: 'legacy-password-v1', key: 'password' } });
  expect(await secret(1)).toBe(FIRST);
  const { code } = await terraform.plan({ env: { TF_VAR_password: FIRST } });
  expect(code).toBe(0);
});

test('changes with its version only, and the old one goes', async () => {
  expect((await terraform.plan({ env: { TF_VAR_password: SECOND } })).code).toBe(0);
  terraform.write(withPassword(2));
  const { output } = await terraform.plan({ env: { TF_VAR_password: SECOND } });
  // So that write-only arguments that follow the revision take the new password in the same apply.
  expect(output).toMatch(/credentials_revision = 1 -> \(known after apply\)/);
  expect(output).not.toMatch(/username|secret_name/);
  await apply(SECOND);
  expect((await live()).spec).toEqual({ passwordFrom: { name: 'legacy-password-v2', key: 'password' } });
  expect(await secret(2)).toBe(SECOND);
  expect(await secret(1)).toBeUndefined();
});

test('is in no state, plan or log', async () => {
  terraform.write(withPassword(3));
  const env = { TF_VAR_password: SECOND };
  await terraform.ok(['plan', '-out=saved.plan'], { env });
  const shown = await terraform.ok(['show', '-json', 'saved.plan'], { env });
  const files = readdirSync(terraform.folder).filter((name) => /tfstate|trace\.log/.test(name));
  const places = [
    { name: 'show', text: shown },
    ...files.map((name) => ({ name, text: readFileSync(join(terraform.folder, name), 'utf8') })),
    ...unzip(readFileSync(join(terraform.folder, 'saved.plan'))).map(({ name, content }) => ({
      name: `saved.plan ${name}`,
      text: content.toString('latin1'),
    })),
  ];
  expect(places.length).toBeGreaterThan(4);
  const holding = (words: string) =>
    places.filter(({ text }) => text.includes(words)).map(({ name }) => name);
  // What stands beside the password is found in each kind of place, so that the search is one.
  expect(holding('password_wo_version')).toEqual(
    expect.arrayContaining(['show', 'terraform.tfstate', 'saved.plan tfplan']),
  );
  expect(holding('secrets/legacy-password-v2')).toContain('trace.log');
  const encoded = [FIRST, SECOND].flatMap((word) => [word, Buffer.from(word).toString('base64')]);
  expect(encoded.flatMap(holding)).toEqual([]);
});

test('is missed when a new version comes without it', async () => {
  terraform.write(withPassword(9));
  const output = await terraform.refused();
  expect(output).toContain('Error: Password is missing');
  expect(await secret(2)).toBe(SECOND);
});

test('leaves a Secret of someone else alone', async () => {
  await cluster.api.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'legacy-password-v3' },
    data: { password: Buffer.from('theirs').toString('base64') },
  });
  terraform.write(withPassword(3));
  const env = { TF_VAR_password: SECOND };
  const output = await terraform.refused(['apply', '-auto-approve', '-no-color'], { env });
  expect(output).toContain('Error: Secret exists already');
  expect(output).toContain('password_wo_version = 3');
  expect(await secret(3)).toBe('theirs');
  expect((await live()).spec).toEqual({ passwordFrom: { name: 'legacy-password-v2', key: 'password' } });
});

test('goes from the cluster when it goes from the configuration', async () => {
  terraform.write(configuration(''));
  await terraform.apply();
  expect((await live()).spec).toEqual({});
  expect(await secret(2)).toBeUndefined();
  terraform.write(withPassword(4));
  await apply(FIRST);
  await terraform.ok(['destroy', '-auto-approve', '-no-color']);
  expect(await secret(4)).toBeUndefined();
});

test('goes with the account, whoever deletes that, and comes again with it', async () => {
  await apply(FIRST);
  const gone = async (version: number) => (await secret(version)) === undefined;
  await cluster.api.call('DELETE', objectPath('smtpaccounts', 'legacy'));
  await cluster.waitFor('the Secret to go', () => gone(4));
  await apply(FIRST);
  expect(await secret(4)).toBe(FIRST);
  terraform.write(withPassword(5));
  await apply(SECOND);
  await cluster.api.call('DELETE', objectPath('smtpaccounts', 'legacy'));
  await cluster.waitFor('the Secret to go', () => gone(5));
});

test.each([
  ['password_wo = "x"', 'password_wo needs password_wo_version'],
  [
    'password_wo = "x"\n password_wo_version = 1\n password_from = { name = "y" }',
    'password_wo and password_from exclude each other',
  ],
  [
    'password_wo = "x"\n password_wo_version = 1\n rotation = { interval = "24h" }',
    'rotation.interval cannot be used with password_wo',
  ],
])('%s is refused with one diagnostic', async (body, words) => {
  terraform.write(configuration(body));
  const output = await terraform.refused(['validate', '-no-color']);
  expect(output.match(/Error:/g)).toHaveLength(1);
  expect(output).toContain(words);
});
