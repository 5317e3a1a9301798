/**
 * `node provider/build.ts [--out FOLDER]`: the provider as a script build in a filesystem mirror.
 * Flow: esbuild bundles main.ts to provider.cjs, and what loads later beside it; a shell wrapper with the name that Terraform looks for starts it.
 * Limits: runs on any Unix with Node 20 or later on the PATH; nothing may write into the folder afterwards, as
 * Terraform locks its hash.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

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

/**
 * Files that load one after the other: up to the handshake, to answer calls, and to read a kubeconfig. Node reads
 * and scans a file as a whole, so what is not needed yet stands in another.
 */
const PARTS = { provider: 'main.ts', serve: 'serve.ts', yaml: 'kube/yaml.ts' } as const;

/** Builds the mirror and returns its folder. The same sources give the same files. */
export async function providerMirror(folder = join(root, 'provider/dist/mirror')): Promise<string> {
  const target = join(folder, SOURCE, VERSION, `${process.platform}_${architecture()}`);
  const files = { ...(await bundles()), [`terraform-provider-migosmtp_v${VERSION}`]: Buffer.from(WRAPPER) };
  // An unchanged build keeps its files: a running Terraform may be reading them.
  if (Object.entries(files).every(([name, content]) => read(join(target, name))?.equals(content)))
    return folder;
  // Made beside it and renamed, so that nobody meets half a provider; of two builders at once the last one stays.
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(fresh, name), content, { mode: name.endsWith('.cjs') ? 0o644 : 0o755 });
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return folder;
}

async function bundles(): Promise<Record<string, Buffer>> {
  const built = Object.entries(PARTS).map(
    async ([name, entry]) => [`${name}.cjs`, await bundle(entry)] as const,
  );
  return Object.fromEntries(await Promise.all(built));
}

async function bundle(entry: string): Promise<Buffer> {
  const result = await build({
    entryPoints: [join(root, 'provider', entry)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'error',
    plugins: [otherParts(entry)],
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error('esbuild made no file');
  return Buffer.from(file.contents);
}

/** Dynamic imports of another part become a require of its file. */
function otherParts(entry: string): Plugin {
  return {
    name: 'other-parts',
    setup(builder) {
      builder.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
        const target = relative(join(root, 'provider'), join(resolveDir, path));
        const part = Object.entries(PARTS).find(([, file]) => file === target && file !== entry);
        return kind === 'dynamic-import' && part ? { path: `./${part[0]}.cjs`, external: true } : undefined;
      });
    },
  };
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

if (process.argv[1] === import.meta.filename) {
  const index = process.argv.indexOf('--out');
  const folder = await providerMirror(index === -1 ? undefined : resolve(process.argv[index + 1] ?? ''));
  const config = join(dirname(folder), 'terraform.rc');
  writeCliConfig(config, folder);
  process.stdout.write(
    `provider ${VERSION} is in ${folder}\nto use it: export TF_CLI_CONFIG_FILE=${config}\n`,
  );
}
