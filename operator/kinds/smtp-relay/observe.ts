/** Reads what a decision about a relay needs. Only gets: Secrets outside the operator's namespace cannot be listed. */
import { smtpRelay, specProblems, type SmtpRelay } from '../../api/index.ts';
import type { OperatorContext } from '../../context.ts';
import {
  ConfigMaps,
  Deployments,
  PersistentVolumeClaims,
  Secrets,
  Services,
  type AnyObject,
  type Secret,
} from '../../kube/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import type { Key } from '../../runtime/index.ts';
import { withoutBounceKey } from './bounce-key.ts';
import { textOf } from './certificates.ts';
import { namesOf } from './names.ts';
import { postgresPortOf } from './network-policy.ts';
import type { WebhookSecrets } from './settings.ts';
import type { ProjectionFacts, Referenced, RelaySnapshot } from './snapshot.ts';

const LONGEST_RECHECK_MS = 30_000;

type Webhook = NonNullable<SmtpRelay['spec']['webhooks']>[number];

export async function observeRelay(
  context: OperatorContext,
  key: Key,
  applied: ReadonlyMap<string, string>,
): Promise<RelaySnapshot> {
  const relay = context.caches.relays.get(key);
  const { capabilities, options } = context;
  const handle = context.relays.get(key);
  const { relayImage, operatorNamespace } = options;
  const recheckMs = Math.min(LONGEST_RECHECK_MS, options.secretCheckMs);
  const base = { capabilities, relayImage, operatorNamespace, recheckMs, applied };
  const projection = handle === undefined || handle.uid !== relay?.metadata.uid ? undefined : factsOf(handle);
  if (relay === undefined) return { ...NOTHING, ...base, relay, projection };
  const problems = specProblems(smtpRelay, relay.spec);
  if (problems.length > 0) return { ...NOTHING, ...base, relay, problems, projection };
  const [secrets, references, live] = await Promise.all([
    readSecrets(context, relay),
    readReferences(context, relay),
    readLive(context, relay),
  ]);
  const { deployment } = live;
  return { ...base, relay, problems, secrets, ...references, live, deployment, projection };
}

const NOTHING: Omit<
  RelaySnapshot,
  'relay' | 'projection' | 'capabilities' | 'relayImage' | 'operatorNamespace' | 'recheckMs' | 'applied'
> = {
  problems: [],
  secrets: {
    authority: undefined,
    certificate: undefined,
    adminAuthority: undefined,
    adminCertificate: undefined,
  },
  credentials: { is: 'unused' },
  nextHopCa: { is: 'unused' },
  postgres: { is: 'unused' },
  webhooks: [],
  live: {},
  deployment: undefined,
};

async function readSecrets(context: OperatorContext, relay: SmtpRelay): Promise<RelaySnapshot['secrets']> {
  const names = namesOf(relay);
  const [authority, certificate, adminAuthority, adminCertificate] = await Promise.all(
    [names.authority, names.certificate, names.adminAuthority, names.adminCertificate].map((name) =>
      readSecret(context, relay, name),
    ),
  );
  return { authority, certificate, adminAuthority, adminCertificate };
}

function readSecret(
  { client }: OperatorContext,
  relay: SmtpRelay,
  name: string,
): Promise<Secret | undefined> {
  return client.find(Secrets, { namespace: relay.metadata.namespace, name });
}

async function readReferences(
  context: OperatorContext,
  relay: SmtpRelay,
): Promise<Pick<RelaySnapshot, 'credentials' | 'nextHopCa' | 'postgres' | 'webhooks'>> {
  const { smarthost } = relay.spec.delivery;
  const postgresRef = relay.spec.storage?.postgres?.secretRef;
  const read = async <T>(
    ref: { name: string } | undefined,
    what: string,
    valueOf: (secret: Secret) => T | undefined,
  ): Promise<Referenced<T>> => {
    if (ref === undefined) return { is: 'unused' };
    const secret = await readSecret(context, relay, ref.name);
    const value = secret === undefined ? undefined : valueOf(secret);
    return value === undefined
      ? { is: 'missing', what: `Secret ${ref.name} with ${what}` }
      : { is: 'there', value };
  };
  const caKey = smarthost?.caSecretRef?.key ?? 'ca.crt';
  const uriKey = postgresRef?.key ?? 'uri';
  const readWebhook = async (webhook: Webhook): Promise<Referenced<WebhookSecrets>> => {
    const { secretRef, caSecretRef } = webhook;
    const key = secretRef.key ?? 'secret';
    const secret = await read(secretRef, key, (found) => textOf(found, key)?.trim() || undefined);
    const bundleKey = caSecretRef?.key ?? 'ca.crt';
    const ca = await read(caSecretRef, bundleKey, (found) => textOf(found, bundleKey));
    if (secret.is !== 'there') return secret;
    if (ca.is === 'missing') return ca;
    return { is: 'there', value: { secret: secret.value, caPem: ca.is === 'there' ? ca.value : undefined } };
  };
  const [webhooks, credentials, nextHopCa, postgres] = await Promise.all([
    Promise.all((relay.spec.webhooks ?? []).map(readWebhook)),
    read(smarthost?.credentialsSecretRef, 'username and password', credentialsOf),
    read(smarthost?.caSecretRef, caKey, (secret) => textOf(secret, caKey)),
    read(postgresRef, uriKey, (secret) => {
      const uri = textOf(secret, uriKey);
      return uri === undefined ? undefined : postgresPortOf(uri);
    }),
  ]);
  return { credentials, nextHopCa, postgres, webhooks };
}

function credentialsOf(secret: Secret): { username: string; password: string } | undefined {
  const username = textOf(secret, 'username');
  const password = textOf(secret, 'password');
  return username === undefined || password === undefined ? undefined : { username, password };
}

async function readLive(
  { client, capabilities }: OperatorContext,
  relay: SmtpRelay,
): Promise<RelaySnapshot['live']> {
  const names = namesOf(relay);
  const ref = { namespace: names.namespace, name: names.workload };
  const { podDisruptionBudgets, networkPolicies } = capabilities;
  const [config, service, claim, budget, policy, deployment] = await Promise.all([
    client.find(ConfigMaps, ref),
    client.find(Services, ref),
    client.find(PersistentVolumeClaims, { ...ref, name: names.claim }),
    podDisruptionBudgets === undefined ? undefined : client.find(podDisruptionBudgets, ref),
    networkPolicies === undefined ? undefined : client.find(networkPolicies, ref),
    client.find(Deployments, ref),
  ]);
  const live: RelaySnapshot['live'] = {};
  const put = (name: keyof RelaySnapshot['live'], object: AnyObject | undefined): void => {
    if (object !== undefined) live[name] = object;
  };
  put('config', config);
  put('service', service);
  put('claim', claim);
  put('budget', budget);
  put('policy', policy);
  put('deployment', deployment);
  return live;
}

function factsOf(handle: RelayHandle): ProjectionFacts {
  return {
    pods: handle.pods.all
      .map((link) => ({
        name: link.view.name,
        isServing: link.view.isReady && !link.view.isTerminating,
        isInStep: link.isInStep,
        appliedRevision: link.appliedRevision,
        problem: link.problem,
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    accounts: handle.shards.count('accounts'),
    domains: handle.shards.count('domains'),
    revision: handle.shards.highestRevision,
    held: handle.removals.held,
    settings: withoutBounceKey(handle.shards.settings),
  };
}
