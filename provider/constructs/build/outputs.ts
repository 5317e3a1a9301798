/** Where builds go: dist/<core>, replaced as a whole, with the hash of its inputs beside it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CONSTRUCTS, PROVIDER } from './inputs.ts';

const HASH_FILE = '.inputs';

export function outputFolder(core: string): string {
  return join(CONSTRUCTS, 'dist', core);
}

export function isBuilt(core: string, hash: string): boolean {
  try {
    return readFileSync(join(outputFolder(core), HASH_FILE), 'utf8') === hash;
  } catch {
    return false;
  }
}

/** Build one core in a process of its own, so that both cores use a processor each. Resolves with the exit code. */
export function runCore(core: string, hash: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'core.ts'), core, hash], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        // The generators ask `terraform version -json` when they are loaded: any command that succeeds will do.
        TERRAFORM_BINARY_NAME: 'true',
        // They also report errors to their makers, under an id that they store in the user's home.
        CHECKPOINT_DISABLE: '1',
        LOG_LEVEL: 'off',
        CDKTF_LOG_LEVEL: 'off',
      },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Puts a finished folder in place. Two builds of the same inputs may run at once: the later one wins. */
export function install(core: string, finished: string, hash: string): void {
  writeFileSync(join(finished, HASH_FILE), hash);
  const target = outputFolder(core);
  const old = `${finished}.old`;
  try {
    renameSync(target, old);
  } catch {
    // the first build
  }
  try {
    renameSync(finished, target);
  } catch (error) {
    if (!isBuilt(core, hash)) throw error;
    rmSync(finished, { recursive: true });
  }
  rmSync(old, { recursive: true, force: true });
}

/** Makes `@migosmtp/constructs` importable in this repository, as npm does for a workspace. */
export function linkPackage(): void {
  const scope = join(PROVIDER, '..', 'node_modules', '@migosmtp');
  const link = join(scope, 'constructs');
  if (existsSync(link)) return;
  mkdirSync(scope, { recursive: true });
  try {
    symlinkSync(relative(scope, CONSTRUCTS), link);
  } catch (error) {
    // Another build may have been quicker.
    if (!existsSync(link)) throw error;
  }
}
