/** Whoever sees a condition that is not True finds what to do about its reason. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from './pages.ts';

const read = (path: string): string => readFileSync(join(ROOT, 'docs', path), 'utf8');
const reasons = [...read('reference/conditions.md').matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
const page = read('troubleshooting.md');

test('every reason of something that is not well stands in troubleshooting', () => {
  const unwell = reasons.filter(([, , meaning = '']) =>
    /(?<!RemovalsHeld)=(?:False|Unknown)|Stalled=True|RemovalsHeld=True/.test(meaning),
  );
  expect(unwell.length).toBeGreaterThan(30);
  const missing = unwell.filter(([, name]) => !page.includes(`\`${name}\``)).map(([, name]) => name);
  expect(missing).toEqual([]);
});

test('no reason stands there that nothing reports', () => {
  const known = new Set(reasons.map(([, name]) => name));
  const named = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
