/** The operator's process: started, ended, its memory, CPU and metrics. */
import { readFileSync } from 'node:fs';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import type { Thing } from '../../integration/operator/support/installation.ts';
import { cpuMs, pids } from '../process-tree.ts';

const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/migosmtp-operator`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

type Pod = Thing<
  object,
  {
    podIP?: string;
    containerStatuses?: { restartCount: number; lastState?: object }[];
    conditions?: never;
  }
>;

export async function scaleOperator(cluster: Cluster, replicas: number): Promise<void> {
  await cluster.api.call('PATCH', DEPLOYMENT, { spec: { replicas } }, { patch: 'merge' });
  await cluster.waitFor(
    `${replicas} operator pods`,
    async () => (await operatorPods(cluster)).length === replicas,
    60_000,
  );
  if (replicas > 0) await untilLeading(cluster);
}

/** SIGTERM; its Deployment starts the next at once. */
export async function endOperator(cluster: Cluster): Promise<void> {
  const [pod] = await operatorPods(cluster);
  await cluster.api.call('DELETE', `${PODS}/${pod!.metadata.name}`);
  await cluster.waitFor(
    'another operator pod',
    async () => {
      const pods = await operatorPods(cluster);
      return pods.some(({ metadata }) => metadata.uid !== pod!.metadata.uid);
    },
    60_000,
  );
}

export function untilLeading(cluster: Cluster): Promise<true> {
  return cluster.waitFor(
    'a leading operator',
    async () => {
      const { text } = await metricsOf(cluster);
      return /^migosmtp_leader 1$/m.test(text) && /reconcile_total\{controller="smtprelay"/.test(text);
    },
    60_000,
  );
}

export interface Usage {
  cpuMs: number;
  /** Highest resident set since it started, in MB. */
  peakRssMb: number;
  rssMb: number;
}

export async function usageOf(cluster: Cluster): Promise<Usage> {
  const [pod] = await operatorPods(cluster);
  const victim = (await cluster.processes()).get(`pod-${pod!.metadata.uid}-operator`);
  if (victim === undefined) throw new Error('the operator has no process');
  const highest = (field: string): number =>
    Math.max(...pids(victim.pid).map((pid) => statusField(pid, field) / 1024));
  return { cpuMs: cpuMs(victim.pid), peakRssMb: highest('VmHWM'), rssMb: highest('VmRSS') };
}

/** How often its container was started again, and why last, in words. */
export async function restartsOf(cluster: Cluster): Promise<{ count: number; why: string }> {
  const [pod] = await operatorPods(cluster);
  const container = pod?.status?.containerStatuses?.[0];
  const count = container?.restartCount ?? 0;
  if (count === 0) return { count, why: '' };
  const log = (await cluster.logs(NAMESPACE, pod!.metadata.name)).trimEnd().split('\n').slice(-10);
  return { count, why: [JSON.stringify(container?.lastState), ...log].join('\n') };
}

/** What the process says of its own memory, in MB: resident, V8's heap, and what lies outside of it. */
export async function memoryOf(cluster: Cluster): Promise<Record<string, number>> {
  const { text } = await metricsOf(cluster);
  const mb = (name: string): number =>
    Math.round(Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0) / 2 ** 20);
  return {
    resident: mb('process_resident_memory_bytes'),
    heapUsed: mb('nodejs_heap_size_used_bytes'),
    heapTotal: mb('nodejs_heap_size_total_bytes'),
    external: mb('nodejs_external_memory_bytes'),
  };
}

/** Reconciles that have ended, of accounts or of another controller's keys, and keys that wait. */
export async function progressOf(
  cluster: Cluster,
  controller = 'smtpaccount',
): Promise<{ reconciled: number; waiting: number }> {
  const { text } = await metricsOf(cluster);
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^migosmtp_${name}\\{controller="${controller}"[^}]*\\} (\\d+)$`, 'gm'))]
      .map(([, value]) => Number(value))
      .reduce((total, value) => total + value, 0);
  return { reconciled: sum('reconcile_total'), waiting: sum('queue_depth') };
}

async function metricsOf(cluster: Cluster): Promise<{ text: string }> {
  const [pod] = await operatorPods(cluster);
  const address = pod?.status?.podIP;
  if (address === undefined) return { text: '' };
  const ask = `exec 3<>/dev/tcp/${address}/8080; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  const { stdout } = await cluster.exec(['bash', '-c', ask]);
  return { text: stdout };
}

async function operatorPods(cluster: Cluster): Promise<Pod[]> {
  const query = 'labelSelector=app.kubernetes.io/name=migosmtp-operator';
  const { items } = await cluster.api.get<{ items: Pod[] }>(`${PODS}?${query}`);
  return items.filter(({ metadata }) => !('deletionTimestamp' in metadata));
}

function statusField(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
