/** The live copies that the operator works from, one informer for each type, shared by all kinds. */
import type { PlanLimit, SmtpAccount, SmtpRelay, TestMessage, VerifiedDomain } from './api/index.ts';
import {
  Deployments,
  Namespaces,
  PlanLimits,
  Pods,
  ResourceQuotas,
  SmtpAccounts,
  SmtpRelays,
  TestMessages,
  VerifiedDomains,
  type AnyObject,
  type Deployment,
  type KubeClient,
  type Namespace,
  type Pod,
  type Resource,
  type ResourceQuota,
} from './kube/index.ts';
import { AgeOrder } from './policy/index.ts';
import { Informer, shareIn, type InformerOptions, type Log } from './runtime/index.ts';

/** Label on everything that makes up a relay; its value is the relay's name. */
export const RELAY_LABEL = 'migosmtp.com/relay';
/** Index of namespaced objects by namespace. */
export const BY_NAMESPACE = 'namespace';
/** Index of pods, deployments and accounts by `namespace/relay`. */
export const BY_RELAY = 'relay';
/** Index of VerifiedDomains by domain. */
export const BY_DOMAIN = 'domain';
/** Label on the ResourceQuotas that enforce PlanLimits; its value is the plan's name. */
export const PLAN_LABEL = 'migosmtp.com/plan';

export interface Caches {
  relays: Informer<SmtpRelay>;
  accounts: Informer<SmtpAccount>;
  /** Those accounts by age. */
  accountAges: AgeOrder;
  domains: Informer<VerifiedDomain>;
  plans: Informer<PlanLimit>;
  testMessages: Informer<TestMessage>;
  namespaces: Informer<Namespace>;
  /** Those of relays only. */
  pods: Informer<Pod>;
  /** Those of relays only. */
  deployments: Informer<Deployment>;
  /** Those of PlanLimits only. */
  quotas: Informer<ResourceQuota>;
}

export interface CacheOptions {
  client: KubeClient;
  log: Log;
  /** Undefined: all namespaces. */
  watchNamespaces: readonly string[] | undefined;
}

export function createCaches(options: CacheOptions): Caches {
  const { client, log, watchNamespaces: namespaces } = options;
  const informer = <T extends AnyObject>(
    resource: Resource<T>,
    more: Partial<InformerOptions<T>> = {},
  ): Informer<T> =>
    new Informer<T>({ client, log, namespaces, resource, indexes: { [BY_NAMESPACE]: namespaceOf }, ...more });
  const indexes = { [BY_NAMESPACE]: namespaceOf, [BY_RELAY]: relayKeyOf };
  const accounts = informer(SmtpAccounts, {
    indexes: { [BY_NAMESPACE]: namespaceOf, [BY_RELAY]: servingRelayOf },
    trim: trimAccount,
  });
  return {
    relays: informer(SmtpRelays),
    accounts,
    accountAges: agesOf(accounts),
    domains: informer(VerifiedDomains, { indexes: { [BY_NAMESPACE]: namespaceOf, [BY_DOMAIN]: domainOf } }),
    plans: informer(PlanLimits),
    testMessages: informer(TestMessages),
    namespaces: informer(Namespaces),
    pods: informer(Pods, { labelSelector: RELAY_LABEL, indexes, trim: trimPod }),
    deployments: informer(Deployments, { labelSelector: RELAY_LABEL, indexes }),
    quotas: informer(ResourceQuotas, { labelSelector: PLAN_LABEL }),
  };
}

export function startCaches(caches: Caches, signal: AbortSignal): Promise<unknown> {
  const informers = (Object.values(caches) as unknown[]).filter((cache) => cache instanceof Informer);
  for (const informer of informers) informer.start(signal);
  return Promise.all(informers.map((informer) => informer.whenSynced));
}

function agesOf(informer: Informer<SmtpAccount>): AgeOrder {
  const ages = new AgeOrder();
  informer.onChange(({ type, object }) => {
    const { namespace = '' } = object.metadata;
    if (type === 'Added') ages.add(namespace, object);
    if (type === 'Removed') ages.remove(namespace, object);
  });
  return ages;
}

function namespaceOf(object: AnyObject): string[] {
  return object.metadata.namespace === undefined ? [] : [object.metadata.namespace];
}

function relayKeyOf(object: AnyObject): string[] {
  const name = object.metadata.labels?.[RELAY_LABEL];
  return name === undefined ? [] : [`${object.metadata.namespace}/${name}`];
}

/** Only to find accounts when their relay changes; nothing is decided by it. */
function servingRelayOf({ status }: SmtpAccount): string[] {
  return status?.relayRef === undefined ? [] : [`${status.relayRef.namespace}/${status.relayRef.name}`];
}

function domainOf({ spec, status }: VerifiedDomain): string[] {
  return [status?.domain ?? spec.domain];
}

/** Only address and readiness of a pod are read. */
function trimPod(pod: Pod): void {
  delete pod.spec;
}

/** What all accounts of a relay have in common. */
function trimAccount({ status }: SmtpAccount): void {
  if (status === undefined) return;
  shareIn(status, ['host']);
  if (status.relayRef !== undefined) shareIn(status.relayRef, ['name', 'namespace']);
  if (status.credentials !== undefined) shareIn(status.credentials, ['issuedAt']);
}
