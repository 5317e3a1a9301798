import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import type { ControlPlaneBinaries } from './binaries.ts';
import { tail } from './failure.ts';
import type { ClusterPki } from './pki.ts';
import { kubeconfig } from './pki.ts';
import { isAlive, record, startDaemon } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';
import { run } from './run.ts';
import { network } from './state.ts';
import type { ClusterPaths, ClusterRecord } from './state.ts';

/** What the three programs of a control plane are started with. */
export interface ControlPlane {
  binaries: ControlPlaneBinaries;
  paths: ClusterPaths;
  record: ClusterRecord;
  pki: ClusterPki;
}

/** Metadata only: verb, user and object; no bodies, so no Secret's content reaches the log. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`;

/** Starts etcd and the API server; returns when the API server is ready. */
export async function startApi(plane: ControlPlane, client: ApiClient): Promise<void> {
  await writeFile(join(plane.paths.pki, 'audit-policy.yaml'), auditPolicy);
  const help = await run([plane.binaries.etcd, '--help']);
  // Test data need not survive a power cut. Releases before 3.5 always sync.
  const unsafe = help.stdout.concat(help.stderr).includes('--unsafe-no-fsync') ? ['--unsafe-no-fsync'] : [];
  const etcd = await start(plane, 'etcd', [plane.binaries.etcd, ...etcdArguments(plane), ...unsafe]);
  const api = await start(plane, 'kube-apiserver', [plane.binaries.apiServer, ...apiArguments(plane)]);
  await waitUntilReady(plane, client, { etcd, 'kube-apiserver': api });
}

/** Starts the controller manager. Best after the CRDs: it looks for kinds to count at start, then every 30 s. */
export async function startControllerManager(plane: ControlPlane): Promise<void> {
  const config = join(plane.paths.pki, 'controller-manager.kubeconfig');
  const access = plane.pki.access(plane.record.server, 'controller-manager');
  await writeFile(config, kubeconfig(access, 'controller-manager'), { mode: 0o600 });
  const argv = [plane.binaries.controllerManager, ...controllerManagerArguments(plane, config)];
  await start(plane, 'kube-controller-manager', argv);
}

async function start(plane: ControlPlane, name: string, argv: readonly string[]): Promise<ProcessIdentity> {
  const identity = await startDaemon({
    argv,
    cwd: plane.paths.folder,
    logFile: join(plane.paths.logs, `${name}.log`),
  });
  await record(plane.paths.processes, name, identity);
  return identity;
}

function etcdArguments({ paths, record, pki }: ControlPlane): string[] {
  const peer = `http://127.0.0.1:${record.ports.etcdPeer}`;
  const client = `https://127.0.0.1:${record.ports.etcd}`;
  return [
    `--data-dir=${join(paths.folder, 'etcd')}`,
    '--name=test',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    `--cert-file=${pki.file('etcd.crt')}`,
    `--key-file=${pki.file('etcd.key')}`,
    `--trusted-ca-file=${pki.file('ca.crt')}`,
    '--client-cert-auth',
    '--auto-compaction-retention=5m',
    '--quota-backend-bytes=4294967296',
    '--log-level=warn',
  ];
}

function apiArguments({ paths, record, pki }: ControlPlane): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${record.ports.api}`,
    // The API refuses loopback addresses in Endpoints; this one exists only in the cluster's network.
    `--advertise-address=${network.gateway}`,
    `--cert-dir=${paths.pki}`,
    `--tls-cert-file=${pki.file('server.crt')}`,
    `--tls-private-key-file=${pki.file('server.key')}`,
    `--client-ca-file=${pki.file('ca.crt')}`,
    `--etcd-servers=https://127.0.0.1:${record.ports.etcd}`,
    `--etcd-cafile=${pki.file('ca.crt')}`,
    `--etcd-certfile=${pki.file('etcd.crt')}`,
    `--etcd-keyfile=${pki.file('etcd.key')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki.file('service-account.pub')}`,
    `--service-account-signing-key-file=${pki.file('service-account.key')}`,
    `--service-cluster-ip-range=${network.serviceCidr}`,
    `--kubelet-client-certificate=${pki.file('admin.crt')}`,
    `--kubelet-client-key=${pki.file('admin.key')}`,
    `--audit-policy-file=${join(paths.pki, 'audit-policy.yaml')}`,
    `--audit-log-path=${paths.auditLog}`,
    '--audit-log-mode=batch',
    '--audit-log-maxsize=200',
    '--audit-log-maxbackup=3',
    '--profiling=false',
  ];
}

function controllerManagerArguments(plane: ControlPlane, config: string): string[] {
  const { paths, record, pki, binaries } = plane;
  return [
    `--kubeconfig=${config}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${record.ports.controllerManager}`,
    ...(isBefore(binaries.version, 1, 24) ? ['--port=0'] : []), // the plain-text port, on all addresses, until 1.23
    `--cert-dir=${join(paths.pki, 'controller-manager')}`,
    `--flex-volume-plugin-dir=${join(paths.folder, 'flex-volumes')}`, // it makes this folder, by default below /usr
    '--leader-elect=false',
    `--service-account-private-key-file=${pki.file('service-account.key')}`,
    `--root-ca-file=${pki.file('ca.crt')}`,
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--pvclaimbinder-sync-period=2s',
    '--concurrent-resource-quota-syncs=10',
    // A kind that appears later is found within 30 s (not settable); a quota made before that is looked at again
    // only at this interval.
    '--resource-quota-sync-period=5s',
    // On a loaded machine a heartbeat may be late; nothing here tests lost nodes.
    '--node-monitor-grace-period=5m',
    '--profiling=false',
  ];
}

export function isBefore(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a < major || (a === major && b < minor);
}

async function waitUntilReady(
  plane: ControlPlane,
  client: ApiClient,
  processes: Record<string, ProcessIdentity>,
): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (Date.now() < deadline) {
    const answer = await client.send('GET', '/readyz', undefined, { timeoutMs: 5000 }).catch(() => undefined);
    if (answer?.status === 200) return;
    for (const [name, identity] of Object.entries(processes)) {
      if (!isAlive(identity)) throw new Error(`${name} ended at start:\n${await lastWords(plane, name)}`);
    }
    await delay(50);
  }
  throw new Error(`the API server was not ready in 90 s:\n${await lastWords(plane, 'kube-apiserver')}`);
}

async function lastWords(plane: ControlPlane, name: string): Promise<string> {
  return tail(await readFile(join(plane.paths.logs, `${name}.log`), 'utf8').catch(() => '(no log)'));
}
