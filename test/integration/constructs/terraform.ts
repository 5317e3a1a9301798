import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { providerMirror, writeCliConfig } from '../../../provider/build.ts';

export const repository = resolve(import.meta.dirname, '../../..');

/** A folder for one test inside the repository, where copies of examples find their packages. */
export class Workbench {
  readonly folder: string;

  constructor(name: string) {
    this.folder = join(repository, '.state', `test-${name}-${process.pid}`);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  /** Runs a command in a folder below; rejects with all that it printed when it fails. */
  run(command: string[], options: { folder?: string; env?: Record<string, string> } = {}): Promise<string> {
    const cwd = join(this.folder, options.folder ?? '.');
    const child = spawn(command[0]!, command.slice(1), { cwd, env: this.#environment(options.env) });
    let output = '';
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    return new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) =>
        code === 0 ? done(output) : fail(new Error(`${command.join(' ')} ended with ${code}:\n${output}`)),
      );
    });
  }

  /** Runs terraform with the provider built from the present sources. */
  async terraform(args: string[], folder: string, env: Record<string, string> = {}): Promise<string> {
    const config = join(this.folder, 'terraform.rc');
    writeCliConfig(config, await providerMirror());
    return this.run(['terraform', ...args, '-no-color'], {
      folder,
      env: { ...env, TF_CLI_CONFIG_FILE: config },
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(TF_|KUBE|NODE_|MAIL_|CDKTF_)/.test(name));
    return { ...Object.fromEntries(kept), TF_IN_AUTOMATION: '1', TF_INPUT: '0', ...extra };
  }
}
