/** Writes the reference pages; with --check says which differ from what they are derived from, and fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from './pages.ts';

const root = join(import.meta.dirname, '../..');
const check = process.argv.includes('--check');

for (const [path, content] of await pages()) {
  const file = join(root, path);
  if (read(file) === content) continue;
  if (check) {
    process.stderr.write(`${path} differs from what it is derived from: npm run generate\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, content);
    process.stdout.write(`wrote ${path}\n`);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
