/** The real terraform on one stack folder, with the provider from the local mirror. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

export interface TerraformOptions {
  folder: string;
  /** File for TF_CLI_CONFIG_FILE, naming the mirror. */
  cliConfig: string;
  /** Everything that terraform prints is also kept here. */
  outputFile: string;
  /** Write a TRACE log to this file. */
  traceFile?: string;
}

/** Run a terraform command to its end; rejects with its own words when it fails. */
export function terraform(args: string[], options: TerraformOptions): Promise<string> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    TF_CLI_CONFIG_FILE: options.cliConfig,
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
    ...(options.traceFile !== undefined && { TF_LOG: 'TRACE', TF_LOG_PATH: options.traceFile }),
  };
  return new Promise((resolve, reject) => {
    const child = spawn('terraform', args, { cwd: options.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', (cause) =>
      reject(new Error('terraform could not be started: is it on PATH?', { cause })),
    );
    child.once('close', (code) => {
      appendFileSync(options.outputFile, `$ terraform ${args.join(' ')}\n${output}`);
      if (code === 0) resolve(output);
      else reject(new Error(`terraform ${args[0]} ended with ${code}:\n${output.slice(-4000)}`));
    });
  });
}
