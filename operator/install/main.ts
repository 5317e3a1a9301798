/** `node operator/install/main.ts [--check]`: write operator/chart/install.yaml, or fail when it differs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installFile } from './index.ts';

const file = join(import.meta.dirname, '../chart/install.yaml');
const wanted = installFile();
if (!process.argv.includes('--check')) {
  writeFileSync(file, wanted);
} else if (readFileSync(file, 'utf8') !== wanted) {
  process.stderr.write(
    'operator/chart/install.yaml differs from its table: run node operator/install/main.ts\n',
  );
  process.exitCode = 1;
}
