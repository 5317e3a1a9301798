import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { ENTRY, wholeBundle } from './bundle.ts';
import type { Platform } from './platform.ts';

const store = resolve(import.meta.dirname, '../dist/executable');

/** Reading these from the folder that terraform runs in would let a checkout change what the provider does. */
const FLAGS = [
  '--compile',
  '--bytecode',
  '--format=cjs',
  '--minify',
  '--keep-names',
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
];

/**
 * The provider as one file that needs nothing on the machine: Bun's runtime with the provider's bytecode in it.
 * Kept by the hash of sources and compiler, as it takes seconds to make.
 * @returns path of the program
 */
export async function executable(platform: Platform): Promise<string> {
  const { compiler, runtime, version } = toolchain(platform);
  const source = await wholeBundle();
  const hash = createHash('sha256').update(version).update(FLAGS.join()).update(source).digest('hex');
  const file = join(store, `${platform.name}-${hash.slice(0, 16)}`, 'provider');
  if (existsSync(file)) return file;
  const fresh = join(store, `fresh-${process.pid}`, 'provider');
  mkdirSync(dirname(fresh), { recursive: true });
  mkdirSync(dirname(file), { recursive: true });
  const args = ['build', ...FLAGS, `--compile-executable-path=${runtime}`, ENTRY, `--outfile=${fresh}`];
  execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: dirname(fresh) });
  renameSync(fresh, file);
  return file;
}

/** Whether the runtime of a platform is installed. */
export function hasRuntime({ runtimePackage }: Platform): boolean {
  try {
    return existsSync(createRequire(import.meta.url).resolve(`${runtimePackage}/package.json`));
  } catch {
    return false;
  }
}

/** The compiler runs here, the runtime goes into the program; both are npm packages of one release. */
function toolchain(platform: Platform): { compiler: string; runtime: string; version: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('bun/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const program = (name: string) => join(dirname(require.resolve(`${name}/package.json`)), 'bin/bun');
  return {
    compiler: program(`@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`),
    runtime: program(platform.runtimePackage),
    version,
  };
}
