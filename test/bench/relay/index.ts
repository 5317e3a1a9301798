/**
 * `npm run bench -- relay`: our relay beside bare smtp-server, Postfix and Haraka, on one machine, in turns.
 * Flow: scenarios.ts names the rows, rows.ts runs them, measure.ts takes the numbers, figures.ts compares.
 * Limits: the load runs on the same machine, so that ratios mean more than rates. See docs/benchmarks.md.
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPki } from '../../integration/relay/support/certificates.ts';
import { extras } from './extras/index.ts';
import { type Figures, figuresOf } from './figures.ts';
import { Load } from './load/index.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { belowFloor, describeFigures, describeRows } from './report.ts';
import { type Row, type RowOptions, runRow } from './rows.ts';
import { allScenarios, isQuick, nameOf, type Scenario } from './scenarios.ts';
import { bareSubject } from './subjects/bare.ts';
import { harakaSubject } from './subjects/haraka.ts';
import { postfixSubject } from './subjects/postfix.ts';
import { relaySubject, SESSION_PROCESSES } from './subjects/relay.ts';
import type { Subject } from './subjects/subject.ts';

export async function run(args: string[]): Promise<void> {
  const options = parseOptions(args);
  const folder = await mkdtemp(join(tmpdir(), 'migosmtp-bench-'));
  // Servers that give up root must reach their folders.
  await chmod(folder, 0o755);
  const load = new Load();
  try {
    await report(await runAll(options, await prepare(folder, load, options)), options);
  } finally {
    load.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly rows: readonly Row[];
  readonly figures: Figures;
}

async function prepare(folder: string, load: Load, { runs, quick }: BenchOptions): Promise<RowOptions> {
  const pki = await createPki(folder);
  const dkimKeyFile = join(folder, 'dkim.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await writeFile(dkimKeyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return {
    folder,
    load,
    tls: await pki.issue('server', ['127.0.0.1', 'localhost']),
    dkimKeyFile,
    logins: Array.from({ length: 10 }, (_, i) => ({
      username: `smtpuser_${String(i).padStart(8, '0')}`,
      password: `Tr4il${i}xQmBvZk7LpW9sDfGh2JnYc8Re`,
    })),
    runs,
    quick,
    progress: (line) => process.stderr.write(`${line}\n`),
  };
}

async function runAll(options: BenchOptions, rowOptions: RowOptions): Promise<Result> {
  const { progress } = rowOptions;
  progress(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`);
  const announced = new Set<string>();
  const rows: Row[] = [];
  for (const scenario of allScenarios()) {
    if (options.quick && !isQuick(scenario)) continue;
    if (options.only && !options.only.test(nameOf(scenario))) continue;
    const subjects = subjectsOf(scenario, options);
    for (const { name, overrides } of subjects) {
      if (announced.size !== announced.add(name).size) progress(`${name} overrides: ${overrides.join('; ')}`);
    }
    rows.push(...(await runRow(scenario, subjects, rowOptions)));
  }
  let figures = figuresOf(rows);
  for (const [name, measureExtra] of Object.entries(extras)) {
    if (options.only ? !options.only.test(name) : options.quick) continue;
    progress(`${name} ...`);
    const found = await measureExtra(rowOptions);
    progress(JSON.stringify(found));
    figures = { ...figures, ...found };
  }
  return { rows, figures };
}

/** What discards is compared with what holds its delivery; what delivers with what delivers. */
function subjectsOf({ kind }: Scenario, { peers }: BenchOptions): Subject[] {
  const ours = relaySubject('relay');
  if (kind === 'deliver') return peers ? [ours, postfixSubject, harakaSubject] : [ours];
  const bare = bareSubject('bare', SESSION_PROCESSES);
  return SESSION_PROCESSES === 1 ? [ours, bare] : [ours, bare, bareSubject('bare, one process', 1)];
}

async function report({ rows, figures }: Result, options: BenchOptions): Promise<void> {
  process.stdout.write(`${describeRows(rows)}\n\n${describeFigures(figures)}\n`);
  if (options.jsonFile) await writeFile(options.jsonFile, `${JSON.stringify({ rows, figures }, null, 2)}\n`);
  const missed = belowFloor(figures);
  if (missed.length === 0) return;
  process.stdout.write(`\nbelow the floor: ${missed.join(', ')}\n`);
  if (!options.quick) process.exitCode = 1;
}
