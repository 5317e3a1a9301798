import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executableIn, providerMirror, SOURCE, writeCliConfig } from '../../../provider/build.ts';

/** What a terraform command left: its exit code and all that it printed. */
export interface TerraformResult {
  code: number;
  output: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Called with each piece of output; may send signals to the process. */
  onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  onStart?: (pid: number) => void;
}

/** The provider as a program, built from the present sources. */
export async function providerExecutable(): Promise<string> {
  return executableIn(await providerMirror());
}

const HEADER = `terraform {
  required_providers {
    migosmtp = { source = "migosmtp/migosmtp" }
  }
}
`;

/** A configuration in a folder of its own, driven by the real terraform with the provider from a mirror. */
export class Terraform {
  readonly folder = mkdtempSync(join(tmpdir(), 'migosmtp-terraform-'));
  readonly #cliConfig = join(this.folder, 'terraform.rc');

  /** Initialised, with the provider built from the present sources. */
  static async start(configuration: string, mirror?: string): Promise<Terraform> {
    const terraform = new Terraform();
    writeCliConfig(terraform.#cliConfig, mirror ?? (await providerMirror()));
    terraform.write(configuration);
    await terraform.ok(['init']);
    return terraform;
  }

  /** With the provider from a folder of release archives. */
  static async fromArchives(folder: string, configuration: string): Promise<Terraform> {
    const terraform = new Terraform();
    const mirror = join(terraform.folder, 'archives');
    cpSync(folder, join(mirror, SOURCE), { recursive: true });
    writeCliConfig(terraform.#cliConfig, mirror);
    terraform.write(configuration);
    await terraform.ok(['init']);
    return terraform;
  }

  write(configuration: string): void {
    writeFileSync(join(this.folder, 'main.tf'), HEADER + configuration);
  }

  /** A child module in a folder of that name. */
  writeModule(name: string, configuration: string): void {
    mkdirSync(join(this.folder, name), { recursive: true });
    writeFileSync(join(this.folder, name, 'main.tf'), HEADER + configuration);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  /** Attributes of a resource instance in the state. */
  attributes(type: string): Record<string, unknown> {
    const state = JSON.parse(this.read('terraform.tfstate')) as {
      resources: { type: string; instances: { attributes: Record<string, unknown> }[] }[];
    };
    const found = state.resources.find((resource) => resource.type === type)?.instances[0];
    if (!found) throw new Error(`no ${type} in the state`);
    return found.attributes;
  }

  run(args: string[], options: RunOptions = {}): Promise<TerraformResult> {
    const program = process.env['TF_ACC_TERRAFORM_PATH'] ?? 'terraform';
    const child = spawn(program, args, { cwd: this.folder, env: this.#environment(options.env) });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      options.onOutput?.(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, output }));
    });
  }

  /** Runs a command that must succeed, and returns what it printed. */
  async ok(args: string[], options: RunOptions = {}): Promise<string> {
    const { code, output } = await this.run(args, options);
    if (code !== 0) throw new Error(`terraform ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  apply(options: RunOptions = {}): Promise<string> {
    return this.ok(['apply', '-auto-approve', '-no-color'], options);
  }

  /** Runs an apply that must fail, and returns what it printed, line breaks of the frame taken out. */
  async refused(args = ['apply', '-auto-approve', '-no-color'], options: RunOptions = {}): Promise<string> {
    const { code, output } = await this.run(args, options);
    if (code === 0) throw new Error(`terraform ${args.join(' ')} should have failed:\n${output}`);
    return unframed(output);
  }

  /** 0: nothing to change, 2: changes; the plan itself beside it. */
  async plan(options: RunOptions = {}): Promise<TerraformResult> {
    const result = await this.run(['plan', '-no-color', '-detailed-exitcode'], options);
    if (result.code === 1) throw new Error(`terraform plan failed:\n${result.output}`);
    return result;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(TF_|KUBE|NODE_)/.test(name));
    return {
      ...Object.fromEntries(kept),
      TF_CLI_CONFIG_FILE: this.#cliConfig,
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      ...extra,
    };
  }
}

/** Terraform wraps what it prints in a frame; sentences are easier to look for without. */
export function unframed(output: string): string {
  return output.replace(/[│╷╵]/g, ' ').replace(/\s+/g, ' ');
}
