/** The health check for Argo CD, run by a Lua interpreter as Argo CD runs it: with `obj` set, returning status and message. */
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { repository } from '../../cluster/images.ts';
import { debianPackages } from '../../cluster/index.ts';
import { must } from '../../cluster/run.ts';

const script = join(repository, 'docs/gitops/argocd-health.lua');
let lua: { program: string; env: NodeJS.ProcessEnv };

beforeAll(async () => {
  const packages = await debianPackages(['lua5.4']);
  lua = { program: packages.bin('lua5.4'), env: packages.env() };
}, 300_000);

async function healthOf(object: object): Promise<string[]> {
  const run = `obj = ${literal(object)}
local hs = dofile(${JSON.stringify(script)})
print(hs.status)
print(hs.message)`;
  return (await must([lua.program, '-e', run], { env: lua.env })).trim().split('\n');
}

/** JSON as a Lua table. */
function literal(value: unknown): string {
  if (value === undefined || value === null) return 'nil';
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(',')}}`;
  return `{${Object.entries(value)
    .map(([key, part]) => `[${JSON.stringify(key)}]=${literal(part)}`)
    .join(',')}}`;
}

const ready = (status: string, reason: string, observedGeneration = 2): object => ({
  metadata: { generation: 2 },
  status: {
    observedGeneration,
    conditions: [
      { type: 'PlanAccepted', status: 'True', reason: 'Unlimited', message: 'other' },
      { type: 'Ready', status, reason, message: 'said by the operator' },
    ],
  },
});

test.each<[string, object, string]>([
  ['without a status', { metadata: { generation: 1 } }, 'Progressing'],
  ['of a former generation', ready('True', 'Ready', 1), 'Progressing'],
  ['True', ready('True', 'Ready'), 'Healthy'],
  ['Unknown', ready('Unknown', 'Provisioning'), 'Progressing'],
  ['False', ready('False', 'SecretConflict'), 'Degraded'],
  ['False on purpose', ready('False', 'Suspended'), 'Suspended'],
  ['without Ready', { metadata: { generation: 1 }, status: { conditions: [] } }, 'Progressing'],
])('%s', async (_, object, status) => {
  expect((await healthOf(object))[0]).toBe(status);
});

test('it repeats what the operator says', async () => {
  expect(await healthOf(ready('False', 'SecretConflict'))).toEqual(['Degraded', 'said by the operator']);
});
