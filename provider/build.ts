/**
 * `node provider/build.ts [--out FOLDER] [--build script|executable]`: the provider in a filesystem mirror.
 * Flow: build/bundle.ts bundles the sources; the script build is a shell wrapper beside them, the executable (of
 * build/executable.ts) has a runtime of its own.
 * Limits: the script build runs on any Unix with Node 20 or later on the PATH; nothing may write into the folder
 * afterwards, as Terraform locks its hash.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { scriptBundles } from './build/bundle.ts';
import { executable } from './build/executable.ts';
import { HERE, platform } from './build/platform.ts';

export const VERSION = '0.1.0';
export const SOURCE = 'registry.terraform.io/migosmtp/migosmtp';
export const PROGRAM = `terraform-provider-migosmtp_v${VERSION}`;

export type Build = 'script' | 'executable';

/**
 * Terraform decides by the file's name; node decides by its extension what a file is, and ".0" is none. And both
 * variables would slow down or break the start of node, whoever set them.
 */
const WRAPPER = `#!/bin/sh
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
exec node "$(dirname "$0")/provider.cjs" "$@"
`;

/** Which build tests and benchmarks use: MIGOSMTP_PROVIDER_BUILD, the script without it. */
export function wantedBuild(): Build {
  return process.env['MIGOSMTP_PROVIDER_BUILD'] === 'executable' ? 'executable' : 'script';
}

/** Builds the mirror and returns its folder. The same sources give the same files. */
export async function providerMirror(folder?: string, kind = wantedBuild()): Promise<string> {
  const mirror = folder ?? join(import.meta.dirname, 'dist', kind === 'script' ? 'mirror' : 'mirror-exe');
  const target = join(mirror, SOURCE, VERSION, HERE);
  const files = kind === 'script' ? await scriptFiles() : await executableFiles();
  // An unchanged build keeps its files: a running Terraform may be reading them.
  if (Object.entries(files).every(([name, content]) => read(join(target, name))?.equals(content)))
    return mirror;
  // Made beside it and renamed, so that nobody meets half a provider; of two builders at once the last one stays.
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(fresh, name), content, { mode: name.endsWith('.cjs') ? 0o644 : 0o755 });
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return mirror;
}

/** Path of the provider's program in a mirror. */
export function executableIn(mirror: string): string {
  return join(mirror, SOURCE, VERSION, HERE, PROGRAM);
}

async function scriptFiles(): Promise<Record<string, Buffer>> {
  return { ...(await scriptBundles()), [PROGRAM]: Buffer.from(WRAPPER) };
}

async function executableFiles(): Promise<Record<string, Buffer>> {
  return { [PROGRAM]: readFileSync(await executable(platform())) };
}

/** Text of a CLI configuration (TF_CLI_CONFIG_FILE) that takes this provider from the mirror. */
export function cliConfig(mirror: string): string {
  return `provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(mirror)}
    include = ["registry.terraform.io/migosmtp/*"]
  }
  direct {
    exclude = ["registry.terraform.io/migosmtp/*"]
  }
}
disable_checkpoint = true
`;
}

export function writeCliConfig(file: string, mirror: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, cliConfig(mirror));
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function option(name: string): string | undefined {
  const index = process.argv.indexOf(name);
  return index === -1 ? undefined : process.argv[index + 1];
}

if (process.argv[1] === import.meta.filename) {
  const out = option('--out');
  const kind = option('--build') === 'executable' ? 'executable' : wantedBuild();
  const folder = await providerMirror(out === undefined ? undefined : resolve(out), kind);
  const config = join(dirname(folder), 'terraform.rc');
  writeCliConfig(config, folder);
  process.stdout.write(
    `provider ${VERSION} is in ${folder}\nto use it: export TF_CLI_CONFIG_FILE=${config}\n`,
  );
}
