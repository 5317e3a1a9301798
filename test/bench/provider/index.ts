/**
 * `npm run bench -- provider [--json FILE] [--quick] [--rounds 3] [--objects 500]`: the provider beside Terraform's own floor (terraform_data), and
 * its start beside `node -e 0`.
 * Flow: handshake.ts times starts; commands.ts plans, refreshes and applies 1 and 500 accounts on a local control plane
 * with the operator running; figures.ts compares medians.
 * Limits: everything runs on this machine, in turns, so that ratios mean more than seconds.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { applyRows } from './apply.ts';
import { planRows, refreshRows } from './commands.ts';
import { figuresOf, type Row } from './figures.ts';
import { handshakeRows } from './handshake.ts';
import { buildWorld } from './world.ts';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      objects: { type: 'string', default: '500' },
    },
  });
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  progress(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`);
  const sizes = values.quick
    ? { starts: 11, rounds: 1, objects: 50 }
    : { starts: 41, rounds: Number(values.rounds), objects: Number(values.objects) };
  const rows: Row[] = [];
  const add = (found: Row[]) => {
    for (const row of found) progress(describe(row));
    rows.push(...found);
  };
  add(await handshakeRows(sizes.starts, progress));
  const world = await buildWorld(progress);
  try {
    add(await planRows(world, sizes, progress));
    add(await applyRows(world, sizes, progress));
    add(await refreshRows(world, sizes, progress));
  } finally {
    await world.stop();
  }
  const figures = figuresOf(rows);
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name} ${value.toFixed(3)}\n`);
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ rows, figures }, null, 2)}\n`);
}

function describe({ name, median, least, unit, samples }: Row): string {
  return `${name.padEnd(36)} ${median.toFixed(1).padStart(10)} ${unit} (least ${least.toFixed(1)}, ${samples} samples)`;
}
