import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgent } from './agent-start.ts';
import type { AgentSettings } from './agent/config.ts';
import { ApiClient } from './api-client.ts';
import { findBinaries } from './binaries.ts';
import { withLock } from './cache.ts';
import { openCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { startApi, startControllerManager } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { installCrds } from './crds.ts';
import { Refusal, tail } from './failure.ts';
import { repository } from './images.ts';
import { kubeconfig, makePki } from './pki.ts';
import { identify, isAlive, recorded } from './processes.ts';
import { clusterPaths, readRecord, writeRecord } from './state.ts';
import type { ClusterPaths, ClusterRecord } from './state.ts';
import { removeCluster, sweep } from './stop.ts';

export interface ClusterOptions extends Partial<AgentSettings> {
  /** Default: a fresh `test-...` name. */
  name?: string;
  /** Folder of CRD files to install; default: those of the product's chart. */
  crds?: string;
  /** Where to put a copy of the admin kubeconfig. */
  kubeconfig?: string;
  /** Port of the API server on 127.0.0.1; default: a free one. */
  port?: number;
  /** True: the cluster stays when this process ends. Default: the next start removes it then. */
  outlive?: boolean;
  /** False: control plane only, which needs no root. Pods stay pending. */
  agent?: boolean;
  progress?: (line: string) => void;
}

/** Starts a control plane with a node agent and returns when Pods can be created; about 5 s with cached binaries. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const progress = options.progress ?? (() => {});
  const name = options.name ?? `test-${process.pid}-${randomBytes(3).toString('hex')}`;
  const paths = clusterPaths(name);
  if (options.agent !== false && process.getuid?.() !== 0) {
    throw new Refusal(
      'the node agent makes network and mount namespaces and needs root: run as root, or start with agent off (no Pods run then)',
    );
  }
  const binaries = await findBinaries(progress);
  progress(`control plane ${binaries.version} from ${binaries.origin}`);
  const record = await makeRecord(name, options, binaries);
  // Under a lock, so that nobody takes a folder whose record is still to be written for a dead run's.
  await withLock('clusters', async () => {
    await sweep(progress);
    if ((await readRecord(name)) !== undefined) {
      throw new Refusal(`cluster ${name} is already running: take it down first, or use another name`);
    }
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    await writeRecord(record);
  });
  try {
    const plane = { binaries, paths, record, pki: await makePki(paths.pki) };
    await bringUp(plane, options, progress);
  } catch (error) {
    await keepLogs(name);
    await removeCluster(name);
    throw error;
  }
  return openCluster(name);
}

async function makeRecord(
  name: string,
  options: ClusterOptions,
  binaries: { version: string; origin: string },
): Promise<ClusterRecord> {
  const [free = 0, etcd = 0, etcdPeer = 0, controllerManager = 0] = await freePorts(4);
  if (options.port !== undefined) await refuseOccupied(options.port);
  const api = options.port ?? free;
  const starter = identify(process.pid);
  return {
    name,
    server: `https://127.0.0.1:${api}`,
    version: binaries.version,
    origin: binaries.origin,
    createdAt: new Date().toISOString(),
    ports: { api, etcd, etcdPeer, controllerManager },
    ...(starter === undefined ? {} : { starter }),
    ...(starter === undefined || options.outlive === true ? {} : { owner: starter }),
    ready: false,
  };
}

async function bringUp(
  plane: ControlPlane,
  options: ClusterOptions,
  progress: (line: string) => void,
): Promise<void> {
  const { paths, record, pki } = plane;
  const access = pki.access(record.server, 'admin');
  await writeFile(paths.kubeconfig, kubeconfig(access, 'admin'), { mode: 0o600 });
  const client = new ApiClient(access);
  try {
    await startApi(plane, client);
    progress(`API server ready at ${record.server}`);
    // Before the controller manager, which then counts and collects these kinds from its first second on.
    const crds = await installCrds(client, options.crds ?? join(repository, 'operator/chart/crds'));
    await startControllerManager(plane);
    if (crds.length > 0) progress(`installed ${crds.length} CRDs`);
    if (options.agent !== false) await startAgent(plane, options, progress);
    await waitForDefaults(client, paths, options.agent !== false);
  } finally {
    client.close();
  }
  await writeRecord({ ...record, ready: true });
  if (options.kubeconfig !== undefined) await copyFile(paths.kubeconfig, options.kubeconfig);
}

/**
 * Waits until a Pod can be created, which admission refuses while the namespace's ServiceAccount (and, up to 1.23,
 * its token) is missing, and until the node is there to run it.
 */
async function waitForDefaults(client: ApiClient, paths: ClusterPaths, withNode: boolean): Promise<void> {
  const containers = [{ name: 'probe', image: 'none' }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe' }, spec: { containers } };
  const canCreate = () => client.send('POST', '/api/v1/namespaces/default/pods?dryRun=All', pod);
  await until('a Pod could be created', canCreate);
  if (!withNode) return;
  await until('the node was there', async () => {
    await failWithAgent(paths);
    return client.send('GET', '/api/v1/nodes/local');
  });
}

/** An agent that has ended makes no node: its last words say why. */
async function failWithAgent(paths: ClusterPaths): Promise<void> {
  const agent = (await recorded(paths.processes)).get('node-agent');
  if (agent === undefined || isAlive(agent)) return;
  const log = await readFile(join(paths.logs, 'node-agent.log'), 'utf8');
  throw new Error(`the node agent ended at start:\n${tail(log, 20)}`);
}

async function until(what: string, ask: () => Promise<{ status: number }>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await ask()).status >= 300) {
    if (Date.now() > deadline) throw new Error(`not in 60 s: ${what}; see the cluster's logs`);
    await delay(30);
  }
}

async function keepLogs(name: string): Promise<void> {
  const paths = clusterPaths(name);
  for (const part of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'node-agent']) {
    await copyFile(join(paths.logs, `${part}.log`), join(paths.folder, '..', `failed-${part}.log`)).catch(
      () => {},
    );
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function refuseOccupied(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(
        new Refusal(`port ${port} on 127.0.0.1 is taken by another program: name another port, or none`),
      ),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
