/** `node operator/docs/main.ts [--check]`: write docs/reference/conditions.md, or fail when it differs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conditionsPage } from './conditions.ts';

const file = join(import.meta.dirname, '../../docs/reference/conditions.md');
const wanted = conditionsPage();
if (!process.argv.includes('--check')) writeFileSync(file, wanted);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) {
  process.stderr.write(
    'docs/reference/conditions.md differs from its table: run node operator/docs/main.ts\n',
  );
  process.exitCode = 1;
}
