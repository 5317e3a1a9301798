/** The workspace's limits must stand on the relay before its first account does. They are the PlanLimit kind's. */
import type { relayApi } from '../../api/index.ts';
import type { Placement, RelayHandle, RelayRegistry } from '../../projection/index.ts';

/**
 * What stands is left as it is, also when it came after the account was looked at; what is missing is put, and looked at
 * by the PlanLimit kind, which may have changed its mind meanwhile.
 */
export async function ensureLimits(
  relays: Pick<RelayRegistry, 'tellLimits'>,
  { shards }: Pick<RelayHandle, 'shards'>,
  namespace: string,
  limits: relayApi.WorkspaceConfig | undefined,
  options: { isUrgent: boolean },
): Promise<Placement> {
  if (limits === undefined || shards.get('workspaces', namespace) !== undefined) {
    return shards.placementOf('workspaces', namespace);
  }
  const placement = await shards.put('workspaces', namespace, limits, options);
  relays.tellLimits(namespace);
  return placement;
}
