import type { Json, KubeClient, KubeObject } from '../kube/index.ts';
import { kindSchemas } from './schema.generated.ts';

export interface RelayName {
  readonly namespace: string;
  readonly name: string;
}

/** The plan of a workspace that has no PlanLimit, and how many accounts it has. */
export interface DefaultPlan {
  readonly plan: string;
  /** `namespace/name` of the relay that says so. */
  readonly relay: string;
  readonly used: number;
}

/**
 * The plan that a relay gives to workspaces without a PlanLimit. Which relay that is, the accounts that exist know best;
 * else it is the one that the new account names, else the only one of the namespace. A relay in the operator's own
 * namespace is not looked for: which namespace that is, and whom it admits, the provider does not know.
 */
export async function defaultPlanOf(
  client: KubeClient,
  namespace: string,
  wanted: RelayName | undefined,
  signal: AbortSignal,
): Promise<DefaultPlan | undefined> {
  const { apiVersion } = kindSchemas.smtp_relay;
  const list = (plural: string, limit: number) =>
    client.list({ apiVersion, plural, namespace }, { limit: String(limit) }, signal, { once: true });
  // One is enough: the server says how many come after it.
  const accounts = await list(kindSchemas.smtp_account.plural, 1);
  const used = accounts.items.length + (accounts.metadata?.remainingItemCount ?? 0);
  const { plural } = kindSchemas.smtp_relay;
  const name = relayOf(accounts.items[0]) ?? wanted;
  const relay = name
    ? await client.get({ apiVersion, plural, ...name }, signal)
    : only((await list(plural, 2)).items);
  const plan = relay?.spec?.['defaultPlan'];
  if (relay === undefined || typeof plan !== 'string') return undefined;
  return { plan, relay: `${relay.metadata.namespace ?? ''}/${relay.metadata.name}`, used };
}

function relayOf(account: KubeObject | undefined): RelayName | undefined {
  const { namespace, name } = (account?.status?.['relayRef'] ?? {}) as Json;
  return typeof namespace === 'string' && typeof name === 'string' ? { namespace, name } : undefined;
}

function only(relays: readonly KubeObject[]): KubeObject | undefined {
  return relays.length === 1 ? relays[0] : undefined;
}
