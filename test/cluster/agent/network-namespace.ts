import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { identify, record } from '../processes.ts';
import { network } from '../state.ts';
import type { AgentConfig } from './config.ts';

/**
 * The cluster's network: a namespace with a bridge, and one per Pod tied to it by a veth pair. A namespace lives as
 * long as the process that holds it, and that one dies with the agent: nothing is left in the host's network.
 */
export class ClusterNetwork {
  readonly #config: AgentConfig;
  #holder: ChildProcess | undefined;
  #nextAddress = 0;

  constructor(config: AgentConfig) {
    this.#config = config;
  }

  /** Path of the root namespace, for nsenter. */
  get path(): string {
    return `/proc/${this.#holder?.pid}/ns/net`;
  }

  async open(processesFolder: string): Promise<void> {
    const { gateway, gatewayMac, prefix } = network;
    this.#holder = await hold(
      this.#config,
      ['unshare', '--net'],
      `"$IP" -batch - <<END
link set lo up
link add br0 address ${gatewayMac} type bridge
addr add ${gateway}/${prefix} dev br0
link set br0 up
END`,
      [],
    );
    const identity = identify(this.#holder.pid ?? -1);
    if (identity === undefined) throw new Error('the network namespace ended at once');
    await record(processesFolder, 'network', identity);
  }

  /** Makes a namespace for a Pod, wired to the bridge. Ends when the returned process is killed. */
  async openPod(hostname: string): Promise<{ holder: ChildProcess; address: string }> {
    const number = this.#nextAddress++;
    const address = `10.244.${1 + (Math.floor(number / 250) % 250)}.${2 + (number % 250)}`;
    const holder = await hold(
      this.#config,
      ['unshare', '--net', '--uts', '--ipc'],
      `printf %s "$1" > /proc/sys/kernel/hostname
nsenter --net=${this.path} "$IP" -batch - <<END
link add v${number} type veth peer name eth0 netns $$
link set v${number} master br0 up
END
"$IP" -batch - <<END
link set lo up
addr add ${address}/${network.prefix} dev eth0
link set eth0 up
route add default via ${network.gateway}
END`,
      [hostname],
    );
    return { holder, address };
  }

  /** Starts the process that serves Service addresses and probes from inside the root namespace. */
  startHelper(): ChildProcess {
    const script = join(import.meta.dirname, 'network-main.ts');
    return spawn(
      'setpriv',
      [
        '--pdeathsig',
        'KILL',
        'nsenter',
        `--net=${this.path}`,
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        script,
      ],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: ipEnvironment(this.#config) },
    );
  }
}

/** Environment in which `$IP` is iproute2's program. */
export function ipEnvironment(config: AgentConfig): NodeJS.ProcessEnv {
  return { ...process.env, IP: config.ip.path, LD_LIBRARY_PATH: config.ip.libraryPath };
}

/** Starts a process that sets up fresh namespaces by a script and then holds them open. */
async function hold(
  config: AgentConfig,
  unshare: readonly string[],
  setUp: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const script = `${setUp}\necho up\nexec sleep infinity`;
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', ...unshare, 'sh', '-ec', script, 'sh', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ipEnvironment(config),
  });
  let words = '';
  holder.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.stdout.once('data', () => resolve());
    holder.once('exit', () => reject(new Error(`cannot make a network namespace: ${words.trim()}`)));
  });
  return holder;
}
