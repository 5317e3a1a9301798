/** The life of a verification, which has no object of its own: imported, lost with the proof, waited for again, destroyed. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { condition, objectPath, writeStatus, type CustomObject } from './stand-in.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(90_000);

const DOMAIN = objectPath('verifieddomains', 'shop');
let cluster: Cluster;
let terraform: Terraform;
const configuration = (more = '') => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_domain_verification" "it" {
  name     = "shop"
  timeouts = { create = "20s" }
}
${more}`;

const proven = (verifiedAt: string | null, ready: string) =>
  writeStatus(cluster.api, 'verifieddomains', 'shop', ({ metadata }) => ({
    domain: 'shop.example',
    verifiedAt,
    conditions: [condition('Ready', ready, metadata.generation ?? 0)],
  }));

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  await cluster.api.call('POST', objectPath('verifieddomains', ''), {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'VerifiedDomain',
    metadata: { name: 'shop', namespace: 'default' },
    spec: { domain: 'shop.example' },
  });
  await proven('2026-01-02T03:04:05Z', 'True');
  terraform = await Terraform.start(configuration());
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await cluster?.stop();
});

test('is imported, and then nothing is to be done', async () => {
  terraform.write(
    configuration('import {\n  to = migosmtp_domain_verification.it\n  id = "default/shop"\n}\n'),
  );
  expect(await terraform.apply()).toContain('1 imported, 0 added');
  expect(terraform.attributes('migosmtp_domain_verification')).toMatchObject({
    domain: 'shop.example',
    verified_at: '2026-01-02T03:04:05Z',
  });
  terraform.write(configuration());
  expect((await terraform.plan()).code).toBe(0);
});

test('a domain that lost its proof is waited for again', async () => {
  await proven(null, 'False');
  expect((await terraform.plan()).output).toContain('1 to add');
  const output = await terraform.refused();
  expect(output).toContain('Error: Timeout');
  expect(output).toContain('VerifiedDomain default/shop');
  await proven('2026-02-02T03:04:05Z', 'True');
  await terraform.apply();
  expect(terraform.attributes('migosmtp_domain_verification')).toMatchObject({
    verified_at: '2026-02-02T03:04:05Z',
  });
});

test('another name is another verification, and one that is not declared is an error', async () => {
  terraform.write(configuration().replace('"shop"', '"nobody"'));
  const { output } = await terraform.plan();
  expect(output).toContain('must be replaced');
  expect(unframed(await terraform.refused())).toContain('Error: Domain is not declared');
});

test('is destroyed, and the domain stays', async () => {
  terraform.write(configuration());
  await terraform.apply();
  await terraform.ok(['destroy', '-auto-approve', '-no-color']);
  expect((await cluster.api.get<CustomObject>(DOMAIN)).spec['domain']).toBe('shop.example');
  expect(terraform.read('terraform.tfstate')).not.toContain('shop.example');
});
