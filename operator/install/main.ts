/** `node operator/install/main.ts [--check]`: write the generated files of operator/chart, or fail when one differs. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chartFiles } from './index.ts';

const folder = join(import.meta.dirname, '../chart');
for (const [path, wanted] of Object.entries(chartFiles())) {
  const file = join(folder, path);
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) {
    process.stderr.write(
      `operator/chart/${path} differs from its table: run node operator/install/main.ts\n`,
    );
    process.exitCode = 1;
  }
}
