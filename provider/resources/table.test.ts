/** The one table of valid and invalid objects, held against the derived Terraform schema. */
import { describe, expect, it } from '@jest/globals';
import { OBJECT_ROWS, type ObjectRow } from '../../operator/api/testing/objects.ts';
import { snakeCase } from '../../operator/api/generate/terraform.ts';
import { equal, object, schemaType, validate, type Value } from '../core/index.ts';
import type { Json } from '../kube/index.ts';
import { decodeValue, encodeValue } from '../wire/value-codec.ts';
import { fromObject } from './from-object.ts';
import { resourceSchema } from './kind-resource.ts';
import { kindBehaviours } from './kinds.ts';
import { kindSchemas } from './schema.generated.ts';
import { toObject } from './to-object.ts';

const ROWS = OBJECT_ROWS.map((row) => [`${row.kind.kind}: ${row.title}`, row] as const);

function derived(row: ObjectRow) {
  const behaviour = kindBehaviours.find(({ kind }) => kind === snakeCase(row.kind.kind));
  if (!behaviour) throw new Error(`no resource of ${row.kind.kind}`);
  const kind = kindSchemas[behaviour.kind];
  return { kind, schema: resourceSchema(kind, behaviour) };
}

/** The configuration that a spec would be written as. */
function configOf(row: ObjectRow) {
  const { kind } = derived(row);
  const found = { metadata: { name: 'it', namespace: 'default' }, spec: row.spec as Json };
  const kinds = { ...kind, spec: withoutDefaults(kind.spec) };
  return object(Object.entries({ ...fromObject(kinds, found, 'import'), uid: null }));
}

/** What a configuration states it states, be it the default. */
function withoutDefaults<T>(fields: T): T {
  return JSON.parse(
    JSON.stringify(fields, (key, value: unknown) => (key === 'apiDefault' ? undefined : value)),
  ) as T;
}

describe('the table of objects under the Terraform schema', () => {
  it.each(ROWS)('%s', (_title, row) => {
    if (!isExpressible(row)) return;
    const { schema } = derived(row);
    const config = configOf(row);
    const found = validate(schema, config).map(({ summary, detail }) => `${summary}: ${detail}`);
    const required = Object.entries(schema.attributes).filter(
      ([name, attribute]) => attribute.required && config[name] === null,
    );
    if (row.refused === undefined) expect([found, required]).toEqual([[], []]);
    else expect(found.length + required.length).toBeGreaterThan(0);
  });
});

describe('an object that is valid', () => {
  it.each(ROWS.filter(([, row]) => row.refused === undefined))(
    '%s survives the way there and back',
    (_title, row) => {
      const { kind, schema } = derived(row);
      const config = configOf(row);
      expect(toObject(kind, config)).toMatchObject({ kind: row.kind.kind, spec: row.spec });
      const type = schemaType(schema);
      const read = decodeValue(encodeValue(config, type), type);
      expect(equal(read, config as Value, type)).toBe(true);
      const found = { metadata: { name: 'it', namespace: 'default' }, spec: row.spec as Json };
      expect(equal(fromObject(kind, found, config), config, type)).toBe(true);
    },
  );
});

/** Terraform itself turns away values of a wrong type, and fields that are not in the schema. */
function isExpressible(row: ObjectRow): boolean {
  const { kind, schema } = derived(row);
  try {
    const config = configOf(row);
    const type = schemaType(schema);
    encodeValue(config, type);
    const again = (toObject(kind, config) as { spec: object }).spec;
    return JSON.stringify(sorted(again)) === JSON.stringify(sorted(row.spec));
  } catch {
    return false;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
