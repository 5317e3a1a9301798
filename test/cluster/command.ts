import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianPackages, overlayLines } from './debian.ts';
import { run } from './run.ts';
import type { Finished, RunOptions } from './run.ts';

/** How a command is run inside a cluster's network. */
export interface CommandOptions {
  /** Namespace whose Services have short names; without it only `service.namespace` and longer forms resolve. */
  namespace?: string;
  /** Debian packages that the command sees at their real paths. */
  packages?: readonly string[];
  /** Runs as this user and group instead of root. */
  uid?: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/**
 * The command line that runs `argv` in the cluster's root network namespace, where Pod and Service addresses can
 * be reached and Service names resolve. Files outside /etc (and /usr, with packages) are the machine's own.
 */
export async function inClusterNetwork(
  folder: string,
  networkPid: number,
  argv: readonly string[],
  options: CommandOptions,
): Promise<string[]> {
  const roots: string[] = [];
  for (const name of options.packages ?? []) roots.push((await debianPackages([name])).root);
  const hosts = join(folder, 'hosts', options.namespace ?? '_');
  const scratch = join(folder, 'scratch');
  mkdirSync(hosts, { recursive: true });
  mkdirSync(scratch, { recursive: true });
  const inEtc = `mkdir "$etc/cluster"; ln -s cluster/hosts "$etc/hosts"
${existsSync(join(folder, 'resolv.conf')) ? `cp '${join(folder, 'resolv.conf')}' "$etc/resolv.conf"; chmod 644 "$etc/resolv.conf"` : ''}`;
  const drop =
    options.uid === undefined ? '' : `setpriv --reuid ${options.uid} --regid ${options.uid} --clear-groups`;
  const script = `${overlayLines(roots, scratch, inEtc)}
mount --bind '${hosts}' /etc/cluster
exec ${drop} "$@"`;
  return [
    'nsenter',
    `--net=/proc/${networkPid}/ns/net`,
    'unshare',
    '--mount',
    'sh',
    '-ec',
    script,
    'sh',
    ...argv,
  ];
}

/** Runs a wrapped command to its end. */
export function execWrapped(argv: readonly string[], options: RunOptions): Promise<Finished> {
  return run(argv, options);
}

/** Starts a wrapped command; it is a plain child whose pid is the command's own, so signals reach it. */
export function spawnWrapped(
  argv: readonly string[],
  options: Pick<CommandOptions, 'cwd' | 'env'> & { stdio?: StdioOptions },
): ChildProcess {
  const [command = '', ...args] = argv;
  return spawn(command, args, {
    stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
}
