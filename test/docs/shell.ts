/** Runs the commands of a page as they stand, against a cluster. */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { debianPackages, type Cluster } from '../cluster/index.ts';
import { blocksOf, readPages } from './pages.ts';

export interface Place {
  cluster: Cluster;
  /** Where the commands run. */
  cwd: string;
}

/** The blocks of commands of one section, in order. */
export function commandsOf(path: string, section: string): string[] {
  const page = readPages().find((one) => one.path === path);
  const text = page?.text.split(`\n## ${section}\n`)[1]?.split('\n## ')[0];
  const blocks = text === undefined ? [] : blocksOf([{ path, text }], 'sh').map((block) => block.text);
  if (blocks.length === 0) throw new Error(`${path} has no commands under ${section}`);
  return blocks;
}

/** In one shell that stops at the first command that fails; what it printed. Tools that the machine lacks are Debian's. */
export async function runCommands({ cluster, cwd }: Place, commands: readonly string[]): Promise<string> {
  const kubectl = dirname(await cluster.findKubectl());
  const tools = await debianPackages(['jq', 'openssl']);
  const env = tools.env({ ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.paths.folder });
  env['PATH'] = `${env['PATH']}:${kubectl}`;
  const script = commands.join('');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd, env });
  return stdout;
}
