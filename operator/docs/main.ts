/** `node operator/docs/main.ts [--check]`: write the pages that the operator's tables make, or fail when one differs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conditionsPage } from './conditions.ts';
import { metricsPage } from './metrics.ts';

const PAGES = { 'conditions.md': conditionsPage(), 'operator-metrics.md': await metricsPage() };

for (const [name, wanted] of Object.entries(PAGES)) {
  const file = join(import.meta.dirname, '../../docs/reference', name);
  if (!process.argv.includes('--check')) writeFileSync(file, wanted);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) {
    process.stderr.write(`docs/reference/${name} differs from its table: run node operator/docs/main.ts\n`);
    process.exitCode = 1;
  }
}
