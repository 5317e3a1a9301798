/**
 * `node core.ts <core> <hash>`: bindings and constructs of one core.
 *
 * The sources name their core `#core` and the bindings `#bindings/`; here both become what they stand for, because
 * readers of type declarations (TypeScript with classic resolution) do not know such aliases. The result is CommonJS,
 * which both CommonJS and ESM apps load.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { generateBindings } from './bindings.ts';
import { CORES } from './cores.ts';
import { CONSTRUCTS, PROVIDER, constructSources, coreSources } from './inputs.ts';
import { install } from './outputs.ts';
import { PROVIDER_ADDRESS, PROVIDER_VERSION, providerSchemas } from './provider-schemas.ts';
import { schemaJson } from './schema-json.ts';

const [name, hash = ''] = process.argv.slice(2);
const core = CORES.find((candidate) => candidate.name === name);
if (core === undefined) throw new Error(`no core is called ${name}`);

const work = join(CONSTRUCTS, 'dist', `.work-${core.name}-${process.pid}`);
const out = join(work, 'out');
try {
  await writeSources();
  compile();
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  install(core.name, out, hash);
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function writeSources(): Promise<void> {
  const src = join(work, 'src');
  for (const folder of ['constructs', 'core']) mkdirSync(join(src, folder), { recursive: true });
  for (const file of coreSources()) copyFileSync(join(PROVIDER, file), join(src, file));
  for (const file of constructSources()) {
    const text = readFileSync(join(PROVIDER, file), 'utf8');
    writeFileSync(join(src, 'constructs', basename(file)), withoutAliases(text));
  }
  const schemas = providerSchemas();
  await generateBindings(core!, schemaJson(PROVIDER_ADDRESS, schemas), join(src, 'bindings'), {
    name: basename(PROVIDER_ADDRESS),
    source: PROVIDER_ADDRESS.split('/').slice(1).join('/'),
    version: `~> ${PROVIDER_VERSION.split('.').slice(0, 2).join('.')}`,
  });
  const checked = Object.entries(schemas.resources).map(([type, { schema }]) => [type, schema]);
  writeFileSync(join(src, 'bindings', 'schemas.ts'), schemasModule(Object.fromEntries(checked)));
}

/** Checks of every resource, which constructs run at synth. Parsed from text: a literal of this size is slow. */
function schemasModule(schemas: object): string {
  const text = JSON.stringify(JSON.stringify(schemas));
  return `export const schemas: Readonly<Record<string, unknown>> = JSON.parse(${text});\n`;
}

function withoutAliases(text: string): string {
  return text.replaceAll("'#core'", `'${core!.name}'`).replaceAll("'#bindings/", "'../bindings/");
}

function compile(): void {
  writeFileSync(join(work, 'package.json'), '{ "type": "commonjs" }\n');
  const options = {
    target: 'es2022',
    lib: ['es2023'],
    module: 'node20',
    types: ['node'],
    // Generated bindings do not pass more; the repository's own type check holds the constructs to all of it.
    strict: true,
    skipLibCheck: true,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: 'out',
  };
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['src'], exclude: [] }),
  );
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', work], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`constructs for ${core!.name} do not compile`);
}
