/**
 * `node provider/build.ts [--out FOLDER]`: the provider as a script build in a filesystem mirror.
 * Flow: esbuild bundles main.ts to provider.cjs; a shell wrapper with the name that Terraform looks for starts it.
 * Limits: runs on any Unix with Node 20 or later on the PATH; nothing may write into the folder afterwards, as
 * Terraform locks its hash.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

export const VERSION = '0.1.0';
export const SOURCE = 'registry.terraform.io/migosmtp/migosmtp';

const root = resolve(import.meta.dirname, '..');

/**
 * Terraform decides by the file's name; node decides by its extension what a file is, and ".0" is none. And both
 * variables would slow down or break the start of node, whoever set them.
 */
const WRAPPER = `#!/bin/sh
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
exec node "$(dirname "$0")/provider.cjs" "$@"
`;

/** Builds the mirror and returns its folder. The same sources give the same files. */
export async function providerMirror(folder = join(root, 'provider/dist/mirror')): Promise<string> {
  const target = join(folder, SOURCE, VERSION, `${process.platform}_${architecture()}`);
  const script = await bundle();
  const executable = join(target, `terraform-provider-migosmtp_v${VERSION}`);
  // An unchanged build keeps its files: a running Terraform may be reading them.
  if (
    digest(read(join(target, 'provider.cjs'))) === digest(script) &&
    read(executable)?.toString() === WRAPPER
  ) {
    return folder;
  }
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'provider.cjs'), script);
  writeFileSync(executable, WRAPPER);
  chmodSync(executable, 0o755);
  return folder;
}

async function bundle(): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [join(root, 'provider/main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error('esbuild made no file');
  return file.contents;
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

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function digest(content: Uint8Array | undefined): string | undefined {
  return content && createHash('sha256').update(content).digest('hex');
}

if (process.argv[1] === import.meta.filename) {
  const index = process.argv.indexOf('--out');
  const folder = await providerMirror(index === -1 ? undefined : resolve(process.argv[index + 1] ?? ''));
  const config = join(dirname(folder), 'terraform.rc');
  writeCliConfig(config, folder);
  process.stdout.write(
    `provider ${VERSION} is in ${folder}\nto use it: export TF_CLI_CONFIG_FILE=${config}\n`,
  );
}
