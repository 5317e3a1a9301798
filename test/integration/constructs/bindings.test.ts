/** Bindings are generated from the schema that the provider has in memory: it must be what Terraform sees. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROVIDER_ADDRESS, providerSchemas } from '../../../provider/constructs/build/provider-schemas.ts';
import { schemaJson } from '../../../provider/constructs/build/schema-json.ts';
import { Workbench } from './terraform.ts';

const bench = new Workbench('bindings');
afterAll(() => bench.remove());

type Schemas = Record<string, Record<string, unknown>>;

test('the schema that bindings are made from is the one that terraform prints', async () => {
  writeFileSync(
    join(bench.folder, 'main.tf'),
    'terraform {\n  required_providers {\n    migosmtp = { source = "migosmtp/migosmtp" }\n  }\n}\n',
  );
  await bench.terraform(['init'], '.');
  const printed = JSON.parse(await bench.terraform(['providers', 'schema', '-json'], '.')) as {
    provider_schemas: Schemas;
  };
  const { functions, ...schemas } = printed.provider_schemas[PROVIDER_ADDRESS]!;
  expect(functions).toBeDefined();
  const own = schemaJson(PROVIDER_ADDRESS, providerSchemas())['provider_schemas'] as Schemas;
  expect(own[PROVIDER_ADDRESS]).toEqual(schemas);
}, 120_000);
