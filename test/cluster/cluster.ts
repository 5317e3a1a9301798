import type { ChildProcess, StdioOptions } from 'node:child_process';
import { appendFile, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readConfig } from './agent/config.ts';
import type { AgentSettings } from './agent/config.ts';
import { ApiClient } from './api-client.ts';
import type { ApiAccess } from './api-client.ts';
import { inClusterNetwork, spawnWrapped } from './command.ts';
import type { CommandOptions } from './command.ts';
import { installCrds } from './crds.ts';
import { debianPackages, onPath } from './debian.ts';
import { Refusal } from './failure.ts';
import { newestLogs } from './pod-logs.ts';
import { record, recorded, startDaemon } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';
import { must, run } from './run.ts';
import type { Finished } from './run.ts';
import { clusterPaths, network, readRecord, TEMPORARY_PREFIX, writeAtomically } from './state.ts';
import type { ClusterPaths, ClusterRecord } from './state.ts';
import { removeCluster } from './stop.ts';

/** A running cluster, as tests and the demo use it. */
export class Cluster {
  readonly name: string;
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  /** Requests as cluster administrator. */
  readonly api: ApiClient;
  /** Address on which programs started by {@link spawn} are reached from Pods. */
  readonly gateway = network.gateway;

  constructor(record: ClusterRecord, access: ApiAccess) {
    this.name = record.name;
    this.record = record;
    this.paths = clusterPaths(record.name);
    this.api = new ApiClient(access);
  }

  /** Path of the admin kubeconfig. */
  get kubeconfig(): string {
    return this.paths.kubeconfig;
  }

  /** Runs a command to its end inside the cluster's network; the exit code is in the result. */
  async exec(
    argv: readonly string[],
    options: CommandOptions & { input?: string | Buffer; timeoutMs?: number } = {},
  ): Promise<Finished> {
    const { namespace: _, packages: __, uid: ___, ...rest } = options;
    return run(await this.#wrap(argv, options), rest);
  }

  /** Starts a command inside the cluster's network as a child of this process. */
  async spawn(
    argv: readonly string[],
    options: CommandOptions & { stdio?: StdioOptions } = {},
  ): Promise<ChildProcess> {
    return spawnWrapped(await this.#wrap(argv, options), options);
  }

  /**
   * Starts a server inside the cluster's network that ends with the cluster, not with this process; what it prints
   * goes to the cluster's logs. It leads a process group of its own.
   */
  async startServer(
    name: string,
    argv: readonly string[],
    options: CommandOptions = {},
  ): Promise<ProcessIdentity> {
    const identity = await startDaemon({
      argv: await this.#wrap(argv, options),
      logFile: join(this.paths.logs, `${name}.log`),
      cwd: options.cwd ?? '/',
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    await record(this.paths.processes, `server-${name}`, identity);
    return identity;
  }

  /**
   * Makes a temporary folder that goes with the cluster, for servers that give up root: those cannot reach the
   * cluster's own folder, which is in the home of whoever started it.
   */
  async temporaryFolder(purpose: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), `${TEMPORARY_PREFIX}${purpose}-`));
    await appendFile(this.paths.temporary, `${folder}\n`);
    return folder;
  }

  /**
   * Gives the cluster's root namespace one more address that Pods can reach, for a sink or a name server.
   * @param address inside 10.244.0.0/16; default: a free one
   */
  async addAddress(address?: string): Promise<string> {
    const { ip, pid } = await this.#network();
    const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, ip.path];
    const env = { ...process.env, LD_LIBRARY_PATH: ip.libraryPath };
    const taken = await must([...enter, '-o', '-4', 'addr', 'show', 'dev', 'br0'], { env });
    let chosen = address;
    for (let last = 1; chosen === undefined; last++) {
      if (!taken.includes(`10.244.255.${last}/`)) chosen = `10.244.255.${last}`;
    }
    await must([...enter, 'addr', 'replace', `${chosen}/${network.prefix}`, 'dev', 'br0'], { env });
    return chosen;
  }

  /** Everything that a Pod's containers have printed, oldest first; of one container when named. */
  async logs(namespace: string, pod: string, container?: string): Promise<string> {
    const files = await newestLogs(this.paths.logs, namespace, pod, container);
    return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('');
  }

  /** Path of kubectl: the machine's own, else Debian's from the cache. */
  async findKubectl(onProgress?: (line: string) => void): Promise<string> {
    const installed = await onPath('kubectl');
    return installed ?? (await debianPackages(['kubernetes-client'], onProgress)).bin('kubectl');
  }

  /** Runs kubectl as administrator; rejects when it fails. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const program = await this.findKubectl();
    const env = { ...process.env, KUBECONFIG: this.kubeconfig };
    // Its default, ~/.kube/cache, would keep a folder of every cluster there ever was.
    const cache = `--cache-dir=${join(this.paths.folder, 'kubectl')}`;
    return must([program, cache, ...args], { env, ...(input === undefined ? {} : { input }) });
  }

  /** Installs or updates CRDs from a folder of YAML files. */
  installCrds(folder: string): Promise<string[]> {
    return installCrds(this.api, folder);
  }

  /** Changes what the node agent was started with; it follows within half a second. */
  async configure(settings: Partial<AgentSettings>): Promise<void> {
    const config = readConfig(this.paths.agentConfig);
    const images = { ...config.settings.images, ...settings.images };
    config.settings = { ...config.settings, ...settings, images };
    await writeAtomically(this.paths.agentConfig, JSON.stringify(config, null, 2));
  }

  /** The cluster's processes by name: etcd, kube-apiserver, kube-controller-manager, node-agent, network, Pods'. */
  processes(): Promise<Map<string, ProcessIdentity>> {
    return recorded(this.paths.processes);
  }

  /** Polls until `check` gives something other than undefined or false; its errors are tolerated until the end. */
  async waitFor<T>(
    what: string,
    check: () => Promise<T | undefined | false>,
    timeoutMs = 30_000,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (let last: unknown; ;) {
      try {
        const found = await check();
        if (found !== undefined && found !== false) return found;
        last = undefined;
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last });
      await delay(30);
    }
  }

  /** Takes the cluster down and removes everything it had. */
  async stop(): Promise<void> {
    this.api.close();
    await removeCluster(this.name);
  }

  async #wrap(argv: readonly string[], options: CommandOptions): Promise<string[]> {
    return inClusterNetwork(this.paths.folder, (await this.#network()).pid, argv, options);
  }

  async #network(): Promise<{ ip: { path: string; libraryPath: string }; pid: number }> {
    const namespace = (await this.processes()).get('network');
    if (namespace === undefined)
      throw new Refusal(`cluster ${this.name} has no node agent, so no network of its own`);
    return { ip: readConfig(this.paths.agentConfig).ip, pid: namespace.pid };
  }
}

/** Opens a cluster that is up, for instance one that `npm run cluster -- up` started. */
export async function openCluster(name: string): Promise<Cluster> {
  const record = await readRecord(name);
  if (record?.ready !== true)
    throw new Refusal(`no cluster ${name} is up: start it with npm run cluster -- up`);
  const { pki } = clusterPaths(name);
  const [authority, certificate, key] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((file) => readFile(join(pki, file), 'utf8')),
  );
  if (authority === undefined || certificate === undefined || key === undefined)
    throw new Error('no certificates');
  return new Cluster(record, { server: record.server, authority, certificate, key });
}
