import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiError, startCluster } from '../../cluster/index.ts';
import type { Cluster } from '../../cluster/index.ts';

let cluster: Cluster;

function crd(plural: string, kind: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.org` },
    spec: {
      group: 'example.org',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crds-'));
  await writeFile(join(folder, 'things.yaml'), JSON.stringify(crd('things', 'Thing')));
  cluster = await startCluster({ crds: folder, agent: false });
  await rm(folder, { recursive: true });
}, 1_200_000);

afterAll(() => cluster.stop());

test('a kind that was there at start is counted at once, and the object past the limit is refused', async () => {
  const count = 'count/things.example.org';
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'plan' },
    spec: { hard: { [count]: '1' } },
  };
  await cluster.api.call('POST', '/api/v1/namespaces/default/resourcequotas', quota);
  await cluster.waitFor(
    'the quota counts',
    async () => {
      const path = '/api/v1/namespaces/default/resourcequotas/plan';
      const { status } = await cluster.api.get<{ status?: { used?: Record<string, string> } }>(path);
      return status?.used?.[count] === '0';
    },
    3000,
  );
  const create = (name: string) =>
    cluster.api.call('POST', '/apis/example.org/v1/namespaces/default/things', {
      apiVersion: 'example.org/v1',
      kind: 'Thing',
      metadata: { name },
    });
  await create('first');
  const refusal = await create('second').catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ApiError);
  expect(String(refusal)).toContain(
    `exceeded quota: plan, requested: ${count}=1, used: ${count}=1, limited: ${count}=1`,
  );
}, 20_000);
