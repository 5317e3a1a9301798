/** The files of a release: what a registry takes, and a program that runs from the archive alone. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HERE } from '../../../provider/build/platform.ts';
import { release } from '../../../provider/release.ts';
import { debianPackages, onPath } from '../../cluster/debian.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(120_000);

const NAME = 'terraform-provider-migosmtp_0.1.0';
const KEY = 'release@migosmtp.test';
let home: string;
let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'migosmtp-gpg-'));
  env = await withTools(home);
  const generate = ['--batch', '--passphrase', '', '--quick-generate-key', KEY, 'rsa2048', 'sign', 'never'];
  execFileSync('gpg', generate, { env, stdio: 'ignore' });
  folder = join(home, 'release');
  await release({ folder, platforms: [HERE], key: KEY, env });
}, 120_000);
afterAll(() => {
  // Its agent ends when its folder is gone.
  rmSync(home, { recursive: true, force: true });
});

/** Environment of gpg and unzip with a keyring of its own; from the cache where the machine has none. */
async function withTools(keyring: string): Promise<NodeJS.ProcessEnv> {
  const own = { ...process.env, GNUPGHOME: keyring };
  const found = await Promise.all(['gpg', 'gpg-agent', 'unzip'].map(onPath));
  if (!found.includes(undefined)) return own;
  const packages = await debianPackages(['gpg', 'gpg-agent', 'unzip']);
  writeFileSync(join(keyring, 'gpg.conf'), `agent-program ${packages.bin('gpg-agent')}\n`);
  return {
    ...own,
    ...packages.env({ PATH: `${dirname(packages.bin('gpg'))}:${process.env['PATH'] ?? ''}` }),
  };
}

describe('a release', () => {
  it('has archive, manifest, sums and a signature that verifies', () => {
    const files = [`${NAME}_${HERE}.zip`, `${NAME}_manifest.json`];
    expect(readdirSync(folder).sort()).toEqual(
      [...files, `${NAME}_SHA256SUMS`, `${NAME}_SHA256SUMS.sig`].sort(),
    );
    const manifest = JSON.parse(readFileSync(join(folder, `${NAME}_manifest.json`), 'utf8')) as object;
    expect(manifest).toEqual({ version: 1, metadata: { protocol_versions: ['6.0'] } });
    const sums = readFileSync(join(folder, `${NAME}_SHA256SUMS`), 'utf8');
    const expected = files.map((file) => {
      const content = readFileSync(join(folder, file));
      return `${createHash('sha256').update(content).digest('hex')}  ${file}\n`;
    });
    expect(sums).toBe(expected.join(''));
    const verify = ['--verify', `${NAME}_SHA256SUMS.sig`, `${NAME}_SHA256SUMS`];
    execFileSync('gpg', verify, { cwd: folder, env, stdio: 'ignore' });
  });

  it('runs from the archive, with nothing else installed', async () => {
    const unpacked = join(home, 'unpacked');
    execFileSync('unzip', ['-q', join(folder, `${NAME}_${HERE}.zip`), '-d', unpacked], { env });
    const program = join(unpacked, 'terraform-provider-migosmtp_v0.1.0');
    expect(statSync(program).mode & 0o777).toBe(0o755);
    expect(() => execFileSync(program, [], { env: {}, stdio: 'pipe' })).toThrow(
      'This is a Terraform provider.',
    );
  });

  it('is taken by terraform from a mirror of archives', async () => {
    const terraform = await Terraform.fromArchives(folder, 'provider "migosmtp" {}\n');
    expect(await terraform.ok(['providers', 'schema', '-json'])).toContain('migosmtp_smtp_account');
    terraform.remove();
  });
});
