/**
 * `npm run suites [-- --suite NAME] [--long]`: run the test suites one after another and print the time of each.
 *
 * Ends with the plain line `N passed, N failed`; exit 1 when anything failed or nothing ran. With --long, tests that
 * read MIGOSMTP_TEST_SIZE run at full size instead of reduced; both print what they ran.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SUITES, type Suite } from './suites.ts';

interface Outcome {
  suite: Suite;
  passed: number;
  failed: number;
  skipped: string[];
  seconds: number;
}

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { suite: { type: 'string' }, long: { type: 'boolean', default: false } },
});
const chosen = values.suite === undefined ? SUITES : SUITES.filter((suite) => suite.name === values.suite);
if (chosen.length === 0) {
  console.error(
    `no suite is called ${values.suite}: use one of ${SUITES.map((suite) => suite.name).join(', ')}`,
  );
  process.exit(2);
}

const outcomes: Outcome[] = [];
for (const suite of chosen) {
  console.log(`\n== ${suite.name}: ${suite.title} (${values.long ? 'full size' : 'reduced'})`);
  outcomes.push(await runSuite(suite));
}
report(outcomes);

async function runSuite(suite: Suite): Promise<Outcome> {
  const startedAt = performance.now();
  const counts = 'command' in suite ? await runCommands(suite.command) : await runJest(suite);
  return { suite, ...counts, seconds: (performance.now() - startedAt) / 1000 };
}

/** Each command counts as one test: it passes when it exits with 0. */
async function runCommands(commands: string[][]): Promise<Omit<Outcome, 'suite' | 'seconds'>> {
  let passed = 0;
  let failed = 0;
  for (const command of commands) {
    const code = await run(command);
    console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${command.join(' ')}`);
    if (code === 0) passed++;
    else failed++;
  }
  return { passed, failed, skipped: [] };
}

async function runJest({
  paths,
  longPaths = [],
  workers,
  env,
}: Extract<Suite, { paths: string[] }>): Promise<Omit<Outcome, 'suite' | 'seconds'>> {
  const folder = mkdtempSync(join(tmpdir(), 'migosmtp-suite-'));
  chmodSync(folder, 0o755); // servers of tests that give up root have folders in it
  const file = join(folder, 'result.json');
  const command = [
    process.execPath,
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${file}`,
    '--verbose',
    ...(workers === 1 ? ['--runInBand'] : [`--maxWorkers=${workers}`]),
    '--forceExit',
    // Patterns over absolute paths: anchored, so that `relay/` does not also mean test/integration/relay/.
    ...[...paths, ...(values.long ? longPaths : [])].map((path) => `^${join(root, path)}`),
  ];
  // Whatever a test leaves among temporary files, also one that was cut short, goes with the folder.
  const code = await run(command, { TMPDIR: folder, ...env });
  try {
    return readResult(file, code);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface JestResult {
  numPassedTests: number;
  numFailedTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

function readResult(file: string, code: number): Omit<Outcome, 'suite' | 'seconds'> {
  let result: JestResult;
  try {
    result = JSON.parse(readFileSync(file, 'utf8')) as JestResult;
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
  const skipped = result.testResults
    .flatMap((suite) => suite.assertionResults)
    .filter((test) => test.status === 'pending')
    .map((test) => test.fullName);
  let failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  if (failed === 0 && code !== 0) failed = 1;
  return { passed: result.numPassedTests, failed, skipped };
}

function run(command: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: root,
      // Reports of jest go to stderr: one stream keeps the order of what is printed.
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, MIGOSMTP_TEST_SIZE: values.long ? 'full' : 'reduced', FORCE_COLOR: '0', ...env },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function report(all: Outcome[]): void {
  console.log('\nsuite          passed  failed  skipped  seconds');
  for (const { suite, passed, failed, skipped, seconds } of all) {
    const cells = [passed, failed, skipped.length].map((value) => String(value).padStart(8)).join('');
    console.log(`${suite.name.padEnd(13)}${cells}${seconds.toFixed(1).padStart(10)}`);
  }
  for (const name of all.flatMap((outcome) => outcome.skipped)) console.log(`skipped: ${name}`);
  const passed = all.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = all.reduce((sum, outcome) => sum + outcome.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}
