/** docs/reliability.md names every fault test, and no file that is not there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const docs = join(import.meta.dirname, '../../docs');
const text = readFileSync(join(docs, 'reliability.md'), 'utf8');
const named = [...text.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\)/g)].map(([, path]) => path ?? '');

describe('docs/reliability.md', () => {
  it('names files that exist', () => {
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(docs, '..', path)))).toEqual([]);
  });

  it('names every fault test of the relay', () => {
    const root = join(docs, '..');
    const files = readdirSync(import.meta.dirname, { recursive: true })
      .map((name) => relative(root, join(import.meta.dirname, String(name))))
      .filter((path) => path.startsWith('test/faults/relay/') && path.endsWith('.test.ts'));
    expect(files.filter((path) => !named.includes(path))).toEqual([]);
  });

  it('has a test in each row of its tables', () => {
    const rows = text.split('\n').filter((line) => /^\| (?!What must hold|-)/.test(line));
    expect(rows.filter((row) => !row.includes('.test.ts)'))).toEqual([]);
  });
});
