/** No secret in state, plan, output, TRACE log or crash log, and each place is proven to have been read. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { wantedBuild } from '../../../provider/build.ts';
import { findSecrets, scanFaults, type Place } from '../../e2e/secret-scan.ts';
import { StandIn } from './stand-in.ts';
import { Terraform } from './terraform.ts';
import { unzip } from './unzip.ts';

jest.setTimeout(120_000);

const PASSWORD = 'p+4/wÖrd PLANTED-in-the-secret';
const TOKEN_MARK = 'PLANTED-crash-message';
let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
let token: string;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await cluster.api.call('POST', accounts, { metadata: { name: 'applier' } });
  await cluster.api.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'applier' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'applier', namespace: 'default' }],
  });
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  };
  const answer = await cluster.api.call<{ status: { token: string } }>(
    'POST',
    `${accounts}/applier/token`,
    request,
  );
  token = answer?.status.token ?? '';
  await cluster.api.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'billing-smtp' },
    type: 'servicebinding.io/smtp',
    stringData: {
      host: 'mail.example.com',
      port: '587',
      username: 'smtpuser_0a1b2c3d',
      password: PASSWORD,
      encryption: 'starttls',
    },
  });
  terraform = await startWithApp(CONFIGURATION);
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await operator?.stop();
  await cluster?.stop();
});

/** The password goes through a function to a module, as it would to a write-only argument. */
const CONFIGURATION = `variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}
variable "host" {
  type = string
}
variable "ca" {
  type = string
}
provider "migosmtp" {
  host                   = var.host
  cluster_ca_certificate = var.ca
  token                  = var.token
}
resource "migosmtp_smtp_account" "it" {
  name         = "billing"
  display_name = "CONTROL-display-name"
}
ephemeral "migosmtp_smtp_credentials" "it" {
  name = migosmtp_smtp_account.it.name
  uid  = migosmtp_smtp_account.it.uid
}
module "app" {
  source = "./app"
  url = provider::migosmtp::smtp_url(
    ephemeral.migosmtp_smtp_credentials.it.host,
    ephemeral.migosmtp_smtp_credentials.it.port,
    ephemeral.migosmtp_smtp_credentials.it.username,
    ephemeral.migosmtp_smtp_credentials.it.password,
  )
}
`;

async function startWithApp(configuration: string): Promise<Terraform> {
  const started = await Terraform.start('');
  mkdirSync(join(started.folder, 'app'));
  const app =
    'variable "url" {\n ephemeral = true\n}\noutput "url" {\n value = var.url\n ephemeral = true\n}\n';
  writeFileSync(join(started.folder, 'app/main.tf'), app);
  started.write(configuration);
  await started.ok(['init']);
  return started;
}

const environment = () => ({
  TF_VAR_token: token,
  TF_VAR_host: cluster.record.server,
  TF_VAR_ca: cluster.api.access.authority,
});

function expectClean(places: Place[]): void {
  expect(places.length).toBeGreaterThan(0);
  expect(findSecrets(places, [PASSWORD, token])).toEqual([]);
  expect(scanFaults(places, 'PLANTED+by/the scan')).toEqual([]);
}

describe('a run with credentials', () => {
  it('leaves them in no file and no output', async () => {
    const trace = join(terraform.folder, 'trace.log');
    const env = { ...environment(), TF_LOG: 'TRACE', TF_LOG_PATH: trace };
    const planned = await terraform.ok(['plan', '-no-color', '-out=plan.bin'], { env });
    const applied = await terraform.ok(['apply', '-no-color', 'plan.bin'], { env });
    const again = await terraform.ok(['plan', '-no-color', '-out=again.bin'], { env });
    const shown = await terraform.ok(['show', '-json', 'again.bin'], { env });
    await terraform.ok(['state', 'pull'], { env });
    const place = (name: string, text: string, control: string): Place => ({ name, text, control });
    expectClean([
      place('output of plan', planned, 'CONTROL-display-name'),
      place('output of apply', applied, 'migosmtp_smtp_account.it'),
      place('output of the second plan', again, 'No changes'),
      place('plan as JSON', shown, 'CONTROL-display-name'),
      place('state', terraform.read('terraform.tfstate'), 'CONTROL-display-name'),
      place('TRACE log', terraform.read('trace.log'), 'kubernetes request'),
      ...planPlaces(terraform.folder, 'plan.bin'),
      ...planPlaces(terraform.folder, 'again.bin'),
    ]);
    // The credentials were really opened: the log tells the call, not what it gave.
    expect(terraform.read('trace.log')).toContain('/api/v1/namespaces/default/secrets/billing-smtp');
  });

  // The fault is put in by a flag of node, which the executable does not take.
  const itWithNode = wantedBuild() === 'script' ? it : it.skip;
  itWithNode('keeps them out of the crash report', async () => {
    const crashing = await startWithApp(CONFIGURATION.replaceAll('"billing"', '"crashing"'));
    const folder = providerFolder(crashing);
    const wrapper = readdirSync(folder).find((name) => name.startsWith('terraform-provider')) ?? '';
    // The same provider, with a fault put into its process: an error that quotes a secret, nowhere caught.
    writeFileSync(
      join(folder, 'fault.cjs'),
      `setTimeout(() => { throw new TypeError(${JSON.stringify(`${TOKEN_MARK} ${PASSWORD}`)}); }, 150);`,
    );
    const script = readFileSync(join(folder, wrapper), 'utf8');
    writeFileSync(
      join(folder, wrapper),
      script.replace('exec node', `exec node --require ${join(folder, 'fault.cjs')}`),
    );
    for (const made of ['.terraform', '.terraform.lock.hcl'])
      rmSync(join(crashing.folder, made), { recursive: true });
    await crashing.ok(['init', '-no-color']);
    const trace = join(crashing.folder, 'trace.log');
    const env = { ...environment(), TF_LOG: 'TRACE', TF_LOG_PATH: trace };
    operator.delayMs = 3000;
    const { code, output } = await crashing.run(['apply', '-auto-approve', '-no-color'], { env });
    operator.delayMs = 0;
    expect(code).not.toBe(0);
    const places = [
      { name: 'crash box', text: output, control: 'panic: TypeError in terraform-provider-migosmtp' },
      { name: 'TRACE log', text: crashing.read('trace.log'), control: 'panic: TypeError' },
    ];
    expectClean(places);
    expect(findSecrets(places, [TOKEN_MARK])).toEqual([]);
    crashing.remove();
  });
});

/** A plan file is a zip: its members are looked at one by one, unpacked. */
function planPlaces(folder: string, file: string): Place[] {
  return unzip(readFileSync(join(folder, file))).map(({ name, content }) => ({
    name: `${file} ${name}`,
    text: content.toString('latin1'),
  }));
}

function providerFolder(of: Terraform): string {
  const mirror = join(of.folder, 'mirror');
  const config = join(of.folder, 'terraform.rc');
  const source = /path\s*=\s*"([^"]+)"/.exec(readFileSync(config, 'utf8'))?.[1] ?? '';
  cpSync(source, mirror, { recursive: true });
  writeFileSync(config, readFileSync(config, 'utf8').replace(source, mirror));
  return join(mirror, 'registry.terraform.io/migosmtp/migosmtp/0.1.0/linux_amd64');
}
