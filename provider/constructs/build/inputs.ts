/** What a build is made from, as one hash: a build with the same hash need not be made again. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CORES } from './cores.ts';

export const CONSTRUCTS = join(import.meta.dirname, '..');
export const PROVIDER = join(CONSTRUCTS, '..');

export function inputHash(): string {
  const hash = createHash('sha256');
  for (const file of [...constructSources(), ...coreSources(), ...sources('resources'), ...buildSources()]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(PROVIDER, file)))
      .update('\0');
  }
  for (const name of packages()) hash.update(`${name}@${installedVersion(name)}\0`);
  return hash.digest('hex');
}

/** Paths below the provider's folder, of sources that are compiled into the package. */
export function constructSources(): string[] {
  return sources('constructs');
}

export function coreSources(): string[] {
  return sources('core');
}

function buildSources(): string[] {
  return sources('constructs/build');
}

function sources(folder: string): string[] {
  return globSync(`${folder}/*.ts`, { cwd: PROVIDER })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
}

function packages(): string[] {
  const own = CORES.flatMap(({ name }) => [name, `@${name}/provider-generator`]);
  return [...own, 'constructs', 'typescript'];
}

function installedVersion(name: string): string {
  const require = createRequire(import.meta.url);
  const folder = require.resolve.paths(name)?.map((path) => join(path, name, 'package.json')) ?? [];
  for (const file of folder) {
    try {
      return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    } catch {
      // not in this node_modules: the next one up
    }
  }
  throw new Error(`${name} is not installed: run \`npm ci\``);
}
