/** What Terraform 1.11 cannot drive: import by identity, queries, actions. TF_ACC_TERRAFORM_PATH names a 1.14 or later. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(120_000);

const program = process.env['TF_ACC_TERRAFORM_PATH'];
const describeLater = program !== undefined && isLater(program) ? describe : describe.skip;

function isLater(path: string): boolean {
  const { terraform_version: version } = JSON.parse(
    execFileSync(path, ['version', '-json'], { encoding: 'utf8' }),
  ) as { terraform_version: string };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || minor >= 14;
}

describeLater('Terraform 1.14 or later', () => {
  let cluster: Cluster;
  let operator: StandIn;
  let terraform: Terraform;
  const provider = () => `provider "migosmtp" {\n  config_path = "${cluster.kubeconfig}"\n}\n`;
  beforeAll(async () => {
    cluster = await startCluster({ agent: false });
    operator = new StandIn(cluster.api);
    terraform = await Terraform.start(provider());
    await cluster.api.call('POST', objectPath('smtpaccounts', ''), {
      apiVersion: 'migosmtp.com/v1alpha1',
      kind: 'SmtpAccount',
      metadata: { name: 'found', namespace: 'default' },
      spec: {},
    });
  }, 600_000);
  afterAll(async () => {
    terraform?.remove();
    await operator?.stop();
    await cluster?.stop();
  });

  it('finds accounts by a query', async () => {
    const query = 'list "migosmtp_smtp_account" "all" {\n  provider = migosmtp\n}\n';
    writeFileSync(join(terraform.folder, 'all.tfquery.hcl'), query);
    expect(await terraform.ok(['query', '-no-color'])).toContain('name=found');
  });

  it('imports by identity', async () => {
    terraform.write(`${provider()}resource "migosmtp_smtp_account" "it" {\n  name = "found"\n}
import {
  to       = migosmtp_smtp_account.it
  identity = { name = "found" }
}`);
    expect(await terraform.apply()).toContain('1 imported, 0 added, 0 changed');
  });

  it('invokes an action', async () => {
    terraform.write(`${provider()}action "migosmtp_rotate_password" "it" {
  config {
    name = "found"
  }
}`);
    const args = ['apply', '-auto-approve', '-no-color', '-invoke=action.migosmtp_rotate_password.it'];
    await terraform.ok(args);
    const { spec } = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'found'));
    expect(spec['rotation']).toEqual({ revision: 1 });
  });
});
