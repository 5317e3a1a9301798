/**
 * `npm run release:provider [-- --out FOLDER] [--platform OS_ARCH]... [--key KEY]`: the files that a Terraform registry takes.
 * Flow: an executable for each platform whose runtime package is installed, zipped; manifest; SHA256SUMS; with --key a
 * detached signature by gpg, which finds the key in its own keyring.
 * Limits: packages of other platforms are not downloaded here: `npm ci --os linux --cpu arm64` installs them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { executable, hasRuntime } from './build/executable.ts';
import { platform, PLATFORMS } from './build/platform.ts';
import { zip } from './build/zip.ts';
import { PROGRAM, VERSION } from './build.ts';

const NAME = `terraform-provider-migosmtp_${VERSION}`;
/** Registry manifest, format 1: any client of protocol 6 may take the release. */
const MANIFEST = { version: 1, metadata: { protocol_versions: ['6.0'] } };

export interface ReleaseOptions {
  readonly folder: string;
  readonly platforms: readonly string[];
  /** Key of gpg's keyring that signs the sums; unsigned without. */
  readonly key?: string;
  /** Of gpg: its keyring is where GNUPGHOME says. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Writes the release and returns the names of its files. */
export async function release({
  folder,
  platforms,
  key,
  env = process.env,
}: ReleaseOptions): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  const write = (name: string, content: Buffer | string) => {
    writeFileSync(join(folder, name), content);
    files.push(name);
  };
  for (const name of platforms) {
    const content = readFileSync(await executable(platform(name)));
    write(`${NAME}_${name}.zip`, zip([{ name: PROGRAM, content, mode: 0o755 }]));
  }
  write(`${NAME}_manifest.json`, `${JSON.stringify(MANIFEST, null, 2)}\n`);
  const sums = files.map((name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`);
  write(`${NAME}_SHA256SUMS`, sums.join(''));
  if (key !== undefined) files.push(sign(folder, key, env));
  return files;
}

function sign(folder: string, key: string, env: NodeJS.ProcessEnv): string {
  const [sums, signature] = [`${NAME}_SHA256SUMS`, `${NAME}_SHA256SUMS.sig`];
  const paths = ['--output', join(folder, signature), '--detach-sign', join(folder, sums)];
  const stdio = ['ignore' as const, 'ignore' as const, 'inherit' as const];
  execFileSync('gpg', ['--batch', '--local-user', key, ...paths], { env, stdio });
  return signature;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(import.meta.dirname, 'dist/release') },
      platform: { type: 'string', multiple: true },
      key: { type: 'string' },
    },
  });
  const platforms = values.platform ?? PLATFORMS.filter((name) => hasRuntime(platform(name)));
  const folder = resolve(values.out);
  const files = await release({ folder, platforms, ...(values.key !== undefined && { key: values.key }) });
  process.stdout.write(`${folder}\n${files.map((name) => `  ${name}\n`).join('')}`);
  if (values.key === undefined) process.stdout.write('unsigned: --key names the key for the signature\n');
}
