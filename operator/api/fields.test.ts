/** Every field of every spec is read by operator or relay and named by a test: none is a promise that nobody keeps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { KINDS } from './index.ts';

const root = join(import.meta.dirname, '../..');

/** For people only: nothing reads them. */
const LABELS = ['SmtpAccount displayName'];

interface Node {
  properties?: Record<string, Node>;
  items?: Node;
}

/** The last name of each path that has no further fields. */
function leaves(node: Node, name = ''): string[] {
  const inner = node.items?.properties ?? node.properties;
  if (inner === undefined) return name === '' ? [] : [name];
  return Object.entries(inner).flatMap(([key, field]) => leaves(field, key));
}

function textOf(folders: string[], isWanted: (path: string) => boolean): string {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true })
        .map((path) => join(folder, String(path)))
        .filter((path) => path.endsWith('.ts') && isWanted(path)),
    )
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
}

const code = textOf(
  ['operator', 'relay'],
  (path) => !path.startsWith('operator/api/') && !path.endsWith('.test.ts'),
);
const tests = textOf(
  ['operator', 'relay', 'test/integration', 'test/faults', 'test/e2e'],
  (path) => path.endsWith('.test.ts') && !path.startsWith('operator/api/fields'),
);
const names = (text: string, field: string): boolean => new RegExp(`\\b${field}\\b`).test(text);

test.each(KINDS.map((kind) => [kind.kind, kind] as const))('%s', (_, { kind, spec }) => {
  const schema = z.toJSONSchema(spec, { target: 'openapi-3.0', io: 'input' }) as Node;
  const fields = [...new Set(leaves(schema))].filter((field) => !LABELS.includes(`${kind} ${field}`));
  expect(fields.length).toBeGreaterThan(0);
  expect({
    unread: fields.filter((field) => !names(code, field)),
    untested: fields.filter((field) => !names(tests, field)),
  }).toEqual({ unread: [], untested: [] });
});
