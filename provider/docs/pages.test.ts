import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentationPages } from './pages.ts';

const folder = join(import.meta.dirname, '../../docs/provider');

it.each([...documentationPages()])('docs/provider/%s is what the schema says', (path, content) => {
  expect(readFileSync(join(folder, path), 'utf8')).toBe(content);
});
