/**
 * `npm run bench -- accounts`: N accounts from apply to Ready on the local control plane, beside what the API server
 * can take at most.
 * Flow: world.ts installs, ceiling.ts writes raw, row.ts the accounts, the restart and the rotation.
 * Limits: API server, operator, relays, logins and the client share one machine, so that the ratio is what counts.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { figuresOf, describeRow, type Figures, type Row } from './figures.ts';
import { runRow } from './row.ts';
import { LAYOUTS, type Layout } from './world.ts';

const USAGE = `usage: npm run bench -- accounts [--count N] [--rows ${LAYOUTS.join(',')}] [--brief] [--json FILE]`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '1000' },
      rows: { type: 'string', default: LAYOUTS.join(',') },
      brief: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const count = Number(values.count);
  const layouts = values.rows.split(',').filter((name): name is Layout => LAYOUTS.includes(name as Layout));
  if (!Number.isInteger(count) || count < 1 || layouts.length === 0) throw new Error(USAGE);
  const rows: Row[] = [];
  for (const layout of layouts) {
    const progress = (line: string): void => void process.stderr.write(`${line}\n`);
    const row = await runRow({ layout, count, isBrief: values.brief, progress });
    process.stdout.write(`${describeRow(row)}\n`);
    rows.push(row);
  }
  const figures: Figures = figuresOf(rows);
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name} ${value}\n`);
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ rows, figures }, null, 2)}\n`);
}
