/**
 * `npm run generate [-- --check]`: write every file that is derived from the kind definitions.
 * With --check nothing is written: a difference is an error that names the file. Exit 1 then.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedFiles } from './files.ts';

const root = join(import.meta.dirname, '../../..');
const isCheck = process.argv.includes('--check');
let stale = 0;

for (const [path, content] of await generatedFiles()) {
  const file = join(root, path);
  if (read(file) === content) continue;
  if (isCheck) {
    console.error(`${path} differs from what operator/api says: run \`npm run generate\` and commit`);
    stale++;
    continue;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  console.log(`wrote ${path}`);
}
if (stale > 0) process.exit(1);

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
