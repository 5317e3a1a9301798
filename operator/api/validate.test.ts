import { describe, expect, test } from '@jest/globals';
import { evaluate } from '@marcbachmann/cel-js';
import { crdOf, structural } from './generate/crd.ts';
import { generatedFiles } from './generate/files.ts';
import { KINDS, specProblems, testMessage, verifiedDomain, type KindDefinition } from './index.ts';
import { OBJECT_ROWS } from './testing/objects.ts';
import { readFileSync } from 'node:fs';

interface Node {
  properties?: Record<string, Node>;
  items?: Node;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

describe('the table of objects through the schema', () => {
  test.each(OBJECT_ROWS.map((row) => [`${row.kind.kind}: ${row.title}`, row] as const))(
    '%s',
    (_title, row) => {
      const problems = specProblems(row.kind, row.spec);
      if (!row.refused) expect(problems).toEqual([]);
      else if (row.refused.by === 'rule')
        expect(problems.map((problem) => problem.message)).toContain(row.refused.message);
      else expect(problems.map((problem) => problem.field).join(' ')).toContain(row.refused.field);
    },
  );
});

describe('the table of objects through CEL', () => {
  const rows = OBJECT_ROWS.filter((row) => row.refused?.by !== 'schema');
  test.each(rows.map((row) => [`${row.kind.kind}: ${row.title}`, row] as const))('%s', (_title, row) => {
    const expected = row.refused?.by === 'rule' ? [row.refused.message] : [];
    expect(brokenRules(structural(row.kind.spec), row.spec)).toEqual(expected);
  });

  test('every rule but immutability is broken by some row', () => {
    const messages = new Set(
      rows.flatMap((row) => (row.refused?.by === 'rule' ? [row.refused.message] : [])),
    );
    const stated = KINDS.flatMap((kind) => allRules(structural(kind.spec)))
      .filter((rule) => !rule.rule.includes('oldSelf'))
      .map((rule) => rule.message);
    expect([...messages].toSorted()).toEqual([...new Set(stated)].toSorted());
  });
});

describe('immutable fields', () => {
  test.each([
    ['domain', verifiedDomain, { domain: 'a.example' }, { domain: 'b.example' }],
    ['TestMessage', testMessage, { to: 'a@a.example' }, { to: 'b@a.example' }],
  ] as const)('%s cannot be changed, and can stay', (_name, kind, before, after) => {
    const rules = allRules(structural(kind.spec)).filter((rule) => rule.rule.includes('oldSelf'));
    expect(rules).toHaveLength(1);
    expect(evaluate(rules[0]!.rule, { self: after, oldSelf: before })).toBe(false);
    expect(evaluate(rules[0]!.rule, { self: before, oldSelf: before })).toBe(true);
  });
});

describe('generated files', () => {
  test('equal what the definitions say', async () => {
    for (const [path, content] of await generatedFiles()) {
      expect([path, readFileSync(path, 'utf8') === content]).toEqual([path, true]);
    }
  });

  test.each(KINDS.map((kind) => [kind.kind, kind] as const))(
    '%s is structural',
    (_name, kind: KindDefinition) => {
      expect(
        untypedNodes((crdOf(kind) as never as CrdShape).spec.versions[0]!.schema.openAPIV3Schema, ''),
      ).toEqual([]);
    },
  );
});

interface CrdShape {
  spec: { versions: { schema: { openAPIV3Schema: Node } }[] };
}

/** Messages of the rules that do not hold, walking schema and value together as the API server does. */
function brokenRules(schema: unknown, value: unknown): string[] {
  const node = schema as Node;
  if (value === undefined) return [];
  const own = (node['x-kubernetes-validations'] ?? [])
    .filter((rule) => !rule.rule.includes('oldSelf') && evaluate(rule.rule, { self: value }) !== true)
    .map((rule) => rule.message);
  const nested = Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    brokenRules(child, (value as Record<string, unknown>)[name]),
  );
  return [...own, ...nested];
}

function allRules(schema: unknown): { rule: string; message: string }[] {
  const node = schema as Node;
  return [
    ...(node['x-kubernetes-validations'] ?? []),
    ...Object.values(node.properties ?? {}).flatMap(allRules),
  ];
}

/** Paths of nodes without a type: the API server refuses a schema that has one. */
function untypedNodes(node: unknown, path: string): string[] {
  const { type, properties, items } = node as { type?: string; properties?: object; items?: object };
  const own = type === undefined ? [path] : [];
  const nested = Object.entries(properties ?? {}).flatMap(([name, child]) =>
    untypedNodes(child, `${path}.${name}`),
  );
  return [...own, ...nested, ...(items ? untypedNodes(items, `${path}[]`) : [])];
}
