import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIAGNOSTICS } from './diagnostics.ts';

const provider = join(import.meta.dirname, '..');
const CALL = /\b(error|warning)\(\s*(?:'([^']+)'|`([^`]+)`)/g;

test('every diagnostic in the sources has its row, and every row is one of them', () => {
  const files = globSync('{core,wire,resources}/**/*.ts', { cwd: provider });
  const sources = files.filter((file) => !file.endsWith('.test.ts') && !file.includes('generated'));
  const found = sources.flatMap((file) =>
    [...readFileSync(join(provider, file), 'utf8').matchAll(CALL)].map(
      ([, severity, plain, template]) => `${severity}: ${plain ?? template?.replace(/\$\{[^}]*\}/g, '…')}`,
    ),
  );
  const told = Object.values(DIAGNOSTICS).flatMap((rows) =>
    Object.entries(rows).map(
      ([summary, { kind }]) => `${kind === 'Warning' ? 'warning' : 'error'}: ${summary}`,
    ),
  );
  expect(found.length).toBeGreaterThan(told.length / 2);
  expect([...new Set(found)].sort()).toEqual(told.sort());
});
