import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { Refusal } from './failure.ts';
import type { ProcessIdentity } from './processes.ts';

/** What is written down about a cluster, in `cluster.json` in its folder. */
export interface ClusterRecord {
  name: string;
  server: string;
  version: string;
  origin: string;
  createdAt: string;
  ports: { api: number; etcd: number; etcdPeer: number; controllerManager: number };
  /** The process that the cluster belongs to; when it is gone the next start removes the cluster. */
  owner?: ProcessIdentity;
  /** The process that is starting it, or did. */
  starter?: ProcessIdentity;
  /** True once everything was up; a record without it is a start that died. */
  ready: boolean;
}

/** Addresses inside a cluster's own network. Every cluster has the same: its network namespace is its own. */
export const network = {
  podCidr: '10.244.0.0/16',
  prefix: 16,
  /** Address of the cluster's root namespace on the bridge; tests' clients and sinks run there. */
  gateway: '10.244.0.1',
  /** Given, as the kernel's own choice changes when a Pod leaves, and the others then send to nobody for half a minute. */
  gatewayMac: '02:42:0a:f4:00:01',
  serviceCidr: '10.96.0.0/16',
  apiService: '10.96.0.1',
} as const;

/** Begins the name of every temporary folder that goes with a cluster. */
export const TEMPORARY_PREFIX = 'migosmtp-';

/** A cluster's folder and the files in it. */
export interface ClusterPaths {
  folder: string;
  record: string;
  /** Written-down processes, one file each. */
  processes: string;
  /** Paths of folders outside of this one that go with the cluster, a line each. */
  temporary: string;
  logs: string;
  pki: string;
  kubeconfig: string;
  agentConfig: string;
  auditLog: string;
}

export function clustersFolder(): string {
  return join(cacheRoot(), 'clusters');
}

export function clusterPaths(name: string): ClusterPaths {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new Refusal(`"${name}" cannot name a cluster: use up to 32 lower-case letters, digits and dashes`);
  }
  const folder = join(clustersFolder(), name);
  return {
    folder,
    record: join(folder, 'cluster.json'),
    processes: join(folder, 'processes'),
    temporary: join(folder, 'temporary'),
    logs: join(folder, 'logs'),
    pki: join(folder, 'pki'),
    kubeconfig: join(folder, 'kubeconfig'),
    agentConfig: join(folder, 'agent.json'),
    auditLog: join(folder, 'logs', 'audit.jsonl'),
  };
}

export async function readRecord(name: string): Promise<ClusterRecord | undefined> {
  const text = await readFile(clusterPaths(name).record, 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord);
  } catch {
    return undefined; // half-written by a start that died
  }
}

export async function writeRecord(record: ClusterRecord): Promise<void> {
  await writeAtomically(clusterPaths(record.name).record, JSON.stringify(record, null, 2));
}

/** Names of all clusters that have a folder, whole or not. */
export async function clusterNames(): Promise<string[]> {
  const entries = await readdir(clustersFolder(), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Readers see the old file or the new one, never a part. */
export async function writeAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const fresh = `${path}.${process.pid}.new`;
  await writeFile(fresh, text, { mode });
  await rename(fresh, path);
}
