/**
 * `node provider/docs/main.ts [--check]`: pages for the Terraform registry, from the schema that the provider serves.
 * Flow: pages.ts words them, this file writes docs/provider. With --check a difference is an error, exit 1.
 * Limits: text comes from the schema alone; only examples are written by hand.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentationPages } from './pages.ts';

const folder = join(import.meta.dirname, '../../docs/provider');
const isCheck = process.argv.includes('--check');

for (const [path, content] of documentationPages()) {
  const file = join(folder, path);
  if (read(file) === content) continue;
  if (isCheck) {
    process.stderr.write(
      `docs/provider/${path} is not what the schema says: run node provider/docs/main.ts\n`,
    );
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  process.stdout.write(`wrote docs/provider/${path}\n`);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
