/** What this API server serves. Old and new releases are told apart by what they offer, never by number. */
import type { KubeClient } from './client.ts';
import { isKubeError } from './errors.ts';
import { NetworkPolicies, PodDisruptionBudgets, resource } from './resources.ts';
import type { Resource } from './types.ts';

export interface Capabilities {
  /** In the version that is served; undefined when it is not. */
  podDisruptionBudgets: Resource | undefined;
  networkPolicies: Resource | undefined;
}

export async function discover(client: KubeClient): Promise<Capabilities> {
  const [policy, networking] = await Promise.all([
    versionsOf(client, 'policy'),
    versionsOf(client, 'networking.k8s.io'),
  ]);
  const oldBudgets = resource('policy/v1beta1', 'PodDisruptionBudget', 'poddisruptionbudgets');
  return {
    podDisruptionBudgets: policy.includes('v1')
      ? PodDisruptionBudgets
      : policy.includes('v1beta1')
        ? oldBudgets
        : undefined,
    networkPolicies: networking.includes('v1') ? NetworkPolicies : undefined,
  };
}

async function versionsOf(client: KubeClient, group: string): Promise<string[]> {
  try {
    const answer = await client.raw<{ versions: { version: string }[] }>(
      'GET',
      `/apis/${group}`,
      'discovery',
    );
    return answer.versions.map(({ version }) => version);
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return [];
    throw error;
  }
}
