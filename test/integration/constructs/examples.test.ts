/** The three examples on the real API server: they can be applied, and all three declare the same mail. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { KINDS } from '@migosmtp/operator/api';
import { buildConstructs } from '../../../provider/constructs/build/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { StandIn, type CustomObject } from '../provider/stand-in.ts';
import { Workbench, repository } from './terraform.ts';

const examples = join(repository, 'examples');
const stack = 'cdktf.out/stacks/mail';

let cluster: Cluster;
let operator: StandIn;
let bench: Workbench;

beforeAll(async () => {
  bench = new Workbench('examples');
  [cluster] = await Promise.all([startCluster({ agent: false }), buildConstructs()]);
  operator = new StandIn(cluster.api);
  for (const namespace of ['cdktf', 'cdktn', 'hcl']) await createNamespace(namespace);
}, 300_000);

afterAll(async () => {
  await operator.stop();
  await cluster.stop();
  bench.remove();
});

function createNamespace(name: string): Promise<unknown> {
  return cluster.api.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
}

/** Specs of all objects of a namespace, by kind; where the relay is looked for is left out. */
async function specs(namespace: string): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const { kind, plural } of KINDS) {
    const path = `/apis/migosmtp.com/v1alpha1/namespaces/${namespace}/${plural}`;
    const { items } = await cluster.api.get<{ items: CustomObject[] }>(path);
    found[kind] = items.map(({ spec }) => {
      const { relayRef: _, ...rest } = spec;
      return rest;
    });
  }
  return found;
}

const DECLARED = {
  SmtpRelay: [{ delivery: { smarthost: { host: 'smtp.example.net' } }, deletionPolicy: 'Delete' }],
  SmtpAccount: [
    {
      displayName: 'Order confirmations',
      allowedSenders: ['orders@shop.example'],
      limits: { perDay: 500, perHour: 50 },
      rotation: { revision: 1, resetRevision: 0, overlap: '24h' },
    },
  ],
  VerifiedDomain: [{ domain: 'shop.example' }],
  PlanLimit: [{ plan: '10k' }],
  TestMessage: [],
};
const NOTHING = Object.fromEntries(Object.keys(DECLARED).map((kind) => [kind, []]));

/** A copy of the CDKTF app with changes to its code, as someone who rotates a password makes them. */
function copyApp(name: string, change: (code: string) => string): void {
  cpSync(join(examples, 'cdktf-app'), join(bench.folder, name), { recursive: true });
  for (const file of readdirSync(join(bench.folder, name)).filter((file) => file.endsWith('.ts'))) {
    const path = join(bench.folder, name, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }
}

/** `node main.ts` in the app's folder; the stack's own words when it fails. */
function synthesise(app: string): Promise<string> {
  const env = { MAIL_NAMESPACE: app, KUBE_CONFIG_PATH: cluster.kubeconfig };
  return bench.run([process.execPath, 'main.ts'], { folder: app, env });
}

describe.each(['cdktf', 'cdktn'])('examples/cdktf-app over %s', (core) => {
  test('is synthesised, applied, changed in code, and destroyed', async () => {
    copyApp(core, (code) => code.replaceAll(/'cdktf'|\/cdktf'/g, (name) => name.replace('cdktf', core)));
    await synthesise(core);
    const folder = join(core, stack);
    await bench.terraform(['init'], folder);
    await bench.terraform(['validate'], folder);
    await bench.terraform(['apply', '-auto-approve'], folder);
    expect(await specs(core)).toEqual(DECLARED);
    await bench.terraform(['plan', '-detailed-exitcode'], folder);

    copyApp(core, (code) =>
      code
        .replaceAll(/'cdktf'|\/cdktf'/g, (name) => name.replace('cdktf', core))
        .replace('Rotation.revision(1)', 'Rotation.revision(2)'),
    );
    await synthesise(core);
    await bench.terraform(['apply', '-auto-approve'], folder);
    const { SmtpAccount } = await specs(core);
    expect(SmtpAccount).toEqual([
      expect.objectContaining({ rotation: expect.objectContaining({ revision: 2 }) }),
    ]);

    await bench.terraform(['destroy', '-auto-approve'], folder);
    expect(await specs(core)).toEqual(NOTHING);
  }, 180_000);
});

test('examples/terraform is formatted, valid, applied and destroyed', async () => {
  cpSync(join(examples, 'terraform'), join(bench.folder, 'hcl'), { recursive: true });
  const env = { TF_VAR_namespace: 'hcl', TF_VAR_kubeconfig: cluster.kubeconfig };
  await bench.terraform(['fmt', '-check'], 'hcl');
  await bench.terraform(['init'], 'hcl');
  await bench.terraform(['validate'], 'hcl');
  await bench.terraform(['apply', '-auto-approve'], 'hcl', env);
  expect(await specs('hcl')).toEqual(DECLARED);
  await bench.terraform(['plan', '-detailed-exitcode'], 'hcl', env);
  await bench.terraform(['destroy', '-auto-approve'], 'hcl', env);
  expect(await specs('hcl')).toEqual(NOTHING);
}, 180_000);

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const PLURALS: Record<string, string> = {
  Namespace: 'namespaces',
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  ...Object.fromEntries(KINDS.map(({ kind, plural }) => [kind, plural])),
};

function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** Server-side apply, as `kubectl apply --server-side` does it. */
async function apply(manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const path = `${root}${scope}/${PLURALS[kind]}/${metadata.name}?fieldManager=test`;
  await cluster.api.call('PATCH', path, manifest, { patch: 'apply' });
}

describe('examples/yaml', () => {
  const read = (file: string) => readFileSync(join(examples, 'yaml', file), 'utf8');

  test('is taken by the API server, in the order that its kustomization names', async () => {
    const { resources } = parse(read('kustomization.yaml')) as { resources: string[] };
    const files = readdirSync(join(examples, 'yaml')).filter((file) => file.endsWith('.yaml'));
    expect([...resources, 'kustomization.yaml'].toSorted()).toEqual(files.toSorted());
    for (const manifest of resources.flatMap((file) => manifestsOf(read(file)))) await apply(manifest);
    expect(await specs('shop')).toEqual(DECLARED);
  });

  test('has the same app as the CDKTF example', async () => {
    copyApp('shop', (code) => code);
    await synthesise('shop');
    const made = readFileSync(join(bench.folder, 'shop', 'cdktf.out', 'kubernetes', 'shop.yaml'), 'utf8');
    expect(manifestsOf(made)).toEqual(manifestsOf(read('shop.yaml')));
  });
});
