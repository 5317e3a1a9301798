import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { conditionsPage, readReasons, reasonsIn } from './conditions.ts';

test('the page is the one that the reasons make', () => {
  const page = join(import.meta.dirname, '../../docs/reference/conditions.md');
  expect(readFileSync(page, 'utf8')).toBe(conditionsPage());
});

test.each(['smtp-relay', 'smtp-account', 'verified-domain', 'plan-limit', 'test-message'])(
  'every reason of %s has its meaning beside it',
  (folder) => {
    const source = readReasons(`kinds/${folder}/reasons.ts`);
    const all = [...source.matchAll(/(?:export const \w+ =|^ {2}\w+:) '(\w+)'[,;]/gm)].map(
      ([, name]) => name,
    );
    expect(all.length).toBeGreaterThan(0);
    expect(reasonsIn(source).map(({ name }) => name)).toEqual(all);
  },
);
