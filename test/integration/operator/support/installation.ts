/**
 * The operator in a cluster, as users install it, with a real name server and a real next hop beside it.
 * Role: what every test of a kind starts from. Limits: one cluster for a test file; see `Installation` for what it has.
 */
import { KINDS, API_VERSION, GROUP, VERSION } from '../../../../operator/api/index.ts';
import { DEFAULTS, manifests, NAMESPACE } from '../../../../operator/install/index.ts';
import { startCluster, type Cluster } from '../../../cluster/index.ts';
import { startDnsServer, type DnsServer } from '../../../support/dns-server.ts';
import { startSink, type MailSink } from '../../../support/mail-sink.ts';

export interface InstallationOptions {
  /** Replicas of the operator; default 1, so that a test need not wait for a lease. */
  replicas?: number;
  /** Environment of the operator, beside the installed one. */
  env?: Record<string, string>;
  /** The only namespaces that the operator watches and has rights in, beside its own; they are made first. */
  watchNamespaces?: readonly string[];
  /** Zones of the name server that the operator asks. */
  zones?: readonly string[];
  brokenZones?: readonly string[];
}

export interface Installation {
  cluster: Cluster;
  dns: DnsServer;
  sink: MailSink;
  stop: () => Promise<void>;
}

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface Thing<Spec = Record<string, unknown>, Status = Record<string, unknown>> {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    creationTimestamp?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
  spec?: Spec;
  status?: Status & { conditions?: Condition[]; observedGeneration?: number };
  data?: Record<string, string>;
}

export async function install(options: InstallationOptions = {}): Promise<Installation> {
  return installInto(await startCluster(), options);
}

/** Into a cluster that is up; it is taken down when this fails. */
export async function installInto(
  cluster: Cluster,
  options: InstallationOptions = {},
): Promise<Installation> {
  try {
    const { zones = ['example.com'], brokenZones = [] } = options;
    const dns = await startDnsServer({ zones, brokenZones, cluster });
    const sink = await startSink(cluster);
    const stop = async (): Promise<void> => {
      await sink.stop();
      await dns.stop();
      await cluster.stop();
    };
    await installOperator(cluster, { ...options, env: { DNS_SERVERS: dns.address, ...options.env } });
    return { cluster, dns, sink, stop };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Workload extends Thing {
  spec: {
    replicas: number;
    template: { spec: { containers: { env: { name: string; value: string }[] }[] } };
  };
}

async function installOperator(cluster: Cluster, options: InstallationOptions): Promise<void> {
  const replicas = options.replicas ?? 1;
  const { watchNamespaces = [] } = options;
  for (const name of watchNamespaces) await namespace(cluster, name);
  for (const manifest of manifests({ ...DEFAULTS, watchNamespaces }) as unknown as Thing[]) {
    if (manifest.kind === 'Deployment') {
      const { spec } = manifest as Workload;
      spec.replicas = replicas;
      for (const [name, value] of Object.entries(options.env ?? {})) {
        spec.template.spec.containers[0]!.env.push({ name, value });
      }
    }
    await apply(cluster, manifest);
  }
  await cluster.waitFor(
    'the operator',
    async () => {
      const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/migosmtp-operator`;
      const { status } = await cluster.api.get<Thing<object, { readyReplicas?: number }>>(path);
      return (status?.readyReplicas ?? 0) === replicas;
    },
    60_000,
  );
}

/** A namespace, if it is not there. */
export async function namespace(
  cluster: Cluster,
  name: string,
  labels: Record<string, string> = {},
): Promise<void> {
  await apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

/** An SmtpRelay that hands everything to the sink, open to all namespaces; returns when it is Ready. */
export async function relay(
  { cluster, sink }: Installation,
  name = 'main',
  spec: Record<string, unknown> = {},
): Promise<void> {
  const delivery = { smarthost: { host: sink.address, port: sink.port, tls: 'None' } };
  await apply(
    cluster,
    kind('SmtpRelay', NAMESPACE, name, { delivery, allowedNamespaces: { from: 'All' }, ...spec }),
  );
  await until(cluster, 'SmtpRelay', NAMESPACE, name, (object) => isReady(object), 60_000);
}

export function kind(kind: string, namespace: string, name: string, spec: object): Thing {
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: { namespace, name },
    spec: spec as Record<string, unknown>,
  };
}

export function apply<T extends Thing>(cluster: Cluster, object: T): Promise<T> {
  const { namespace, name } = object.metadata;
  const path = `${pathOf(object.apiVersion ?? 'v1', object.kind ?? '', namespace)}/${name}`;
  const query = 'fieldManager=test&force=true';
  return cluster.api.call('PATCH', `${path}?${query}`, object, { patch: 'apply' }) as Promise<T>;
}

/** As the API server answers it, or throws with its own words. */
export function create<T extends Thing>(cluster: Cluster, object: T): Promise<T> {
  const path = pathOf(object.apiVersion ?? 'v1', object.kind ?? '', object.metadata.namespace);
  return cluster.api.call('POST', path, object) as Promise<T>;
}

export async function get(cluster: Cluster, kind: string, namespace: string, name: string): Promise<Thing> {
  return cluster.api.get(`${pathOf(apiOf(kind), kind, namespace)}/${name}`);
}

export async function remove(cluster: Cluster, kind: string, namespace: string, name: string): Promise<void> {
  await cluster.api.call('DELETE', `${pathOf(apiOf(kind), kind, namespace)}/${name}`, undefined, {
    allowed: [404],
  });
}

/** Waits until the object is as `check` wants it, and returns it and the time that it took. */
export async function until(
  cluster: Cluster,
  kind: string,
  namespace: string,
  name: string,
  check: (object: Thing) => boolean,
  timeoutMs = 20_000,
): Promise<Thing & { ms: number }> {
  const startedAt = performance.now();
  let last: Thing | undefined;
  try {
    const found = await cluster.waitFor(
      `${kind} ${namespace}/${name}`,
      async () => {
        last = await get(cluster, kind, namespace, name);
        return check(last) ? last : undefined;
      },
      timeoutMs,
    );
    return { ...found, ms: Math.round(performance.now() - startedAt) };
  } catch (error) {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last?.status)}`, { cause: error });
  }
}

/** What a relay has been told: entries of its shard Secrets. */
export async function projected<T>(
  cluster: Cluster,
  list: 'accounts' | 'domains' | 'workspaces',
): Promise<T[]> {
  const { items } = await cluster.api.get<{ items: Thing[] }>(
    `/api/v1/namespaces/${NAMESPACE}/secrets?labelSelector=app.kubernetes.io/component=relay-config`,
  );
  return items.flatMap(({ data }) => {
    const text = Buffer.from(data?.['config.json'] ?? '', 'base64').toString();
    return (JSON.parse(text) as Record<typeof list, T[]>)[list];
  });
}

export function conditionOf(object: Thing, type = 'Ready'): Condition | undefined {
  return object.status?.conditions?.find((entry) => entry.type === type);
}

export function isReady(object: Thing): boolean {
  return (
    conditionOf(object)?.status === 'True' && object.status?.observedGeneration === object.metadata.generation
  );
}

const OTHERS: Record<string, string> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  Service: 'services',
  Secret: 'secrets',
  ResourceQuota: 'resourcequotas',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  NetworkPolicy: 'networkpolicies',
  PodDisruptionBudget: 'poddisruptionbudgets',
};

/** Groups of the kinds above that are not the core's. */
const GROUPS: Record<string, string> = { Deployment: 'apps/v1', NetworkPolicy: 'networking.k8s.io/v1' };

function apiOf(kind: string): string {
  return KINDS.some((entry) => entry.kind === kind) ? `${GROUP}/${VERSION}` : (GROUPS[kind] ?? 'v1');
}

function pathOf(apiVersion: string, kind: string, namespace: string | undefined): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = KINDS.find((entry) => entry.kind === kind)?.plural ?? OTHERS[kind];
  if (plural === undefined) throw new Error(`no path is known for ${kind}`);
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}
