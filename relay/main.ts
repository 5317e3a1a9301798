/** `node relay/main.ts --config relay.yaml`: one relay process, in a pod or alone. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { RelayError } from './errors.ts';

/**
 * Nearly all that a message leaves behind dies young. V8 begins with 1 MB for the young and doubles it seldom, so a
 * relay under load spends its time collecting; grown at once to what it may take anyway, it collects half as often.
 * The flag is read whenever that space grows, so that it may be set here, which no start command can forget.
 */
const YOUNG_SPACE = '--semi-space-growth-factor=16';

const USAGE = `usage: relay --config relay.yaml
One SMTP relay in this process, until SIGTERM. docs/relay-standalone.md has the fields of relay.yaml.
`;

async function main(): Promise<void> {
  setFlagsFromString(YOUNG_SPACE);
  const options = { config: { type: 'string' }, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ options, strict: false });
  if (values.help === true) return void process.stdout.write(USAGE);
  if (typeof values.config !== 'string') throw new RelayError('R_CONFIG_USAGE');
  reuseCompiledCode(values.config);
  // Imported only now: what is loaded before the cache is on is compiled anew at every start.
  const { run } = await import('./run.ts');
  await run(values.config, fail);
}

/**
 * Stripping types and compiling takes more than half of a start. The storage folder is the one place where we
 * may write, so its name is wanted before the configuration can be checked; anything odd there is reported later.
 */
function reuseCompiledCode(file: string): void {
  try {
    const storage = /^storage:[^]*?\bdirectory:\s*["']?([^\s"',}]+)/m.exec(readFileSync(file, 'utf8'))?.[1];
    if (storage === undefined || !existsSync(storage) || process.env.NODE_COMPILE_CACHE) return;
    const folder = join(storage, 'compiled');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Threads started later read the variable.
    process.env.NODE_COMPILE_CACHE = folder;
    enableCompileCache(folder);
  } catch {
    // A slower start is all that is lost.
  }
}

/** One line: what happened, what to do next. */
function fail(error: unknown): void {
  const known = error instanceof RelayError;
  const text = known ? `relay: ${error.code}: ${error.message}. ${error.hint}` : `relay: ${String(error)}`;
  process.stderr.write(`${text}\n`, () => process.exit(known && error.kind === 'Invalid' ? 2 : 1));
}

main().catch(fail);
