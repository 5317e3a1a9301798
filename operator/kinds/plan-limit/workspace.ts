/** What a workspace needs for its plan: one quota, and its limits on every relay that admits it. Pure. */
import type { PlanLimit, PlanName, relayApi } from '../../api/index.ts';
import type { ResourceQuota } from '../../kube/index.ts';
import { effectivePlan, workspaceConfig } from '../../policy/index.ts';
import { isEqual, type Decision, type Key } from '../../runtime/index.ts';
import { isCounting, wantedQuota } from './quota.ts';

/** A relay that is open. */
export interface WorkspaceRelay {
  key: Key;
  /** Whether it serves this namespace if asked. */
  admits: boolean;
  defaultPlan: PlanName | undefined;
  /** As its shards have it. */
  entry: relayApi.WorkspaceConfig | undefined;
}

export interface WorkspaceSnapshot {
  namespace: string;
  /** It is watched and was listed completely: what is absent is absent. */
  isListed: boolean;
  /** False: it is going, and nothing can be created in it. */
  isActive: boolean;
  hasAccounts: boolean;
  limits: readonly PlanLimit[];
  /** Those that this operator made in the namespace. */
  quotas: readonly ResourceQuota[];
  relays: readonly WorkspaceRelay[];
}

export type WorkspaceAction =
  | { do: 'createQuota'; quota: ResourceQuota }
  /** `dropped`: counts that it has and must not have. */
  | { do: 'changeQuota'; quota: ResourceQuota; dropped: string[] }
  | { do: 'deleteQuota'; name: string; uid: string }
  | { do: 'project'; relay: Key; entry: relayApi.WorkspaceConfig | undefined };

const RETRY_MS = 5000;

export function decideWorkspace(snapshot: WorkspaceSnapshot): Decision<WorkspaceAction, never> {
  if (!snapshot.isListed) return { rule: 'Unlisted', actions: [] };
  const actions = [...projections(snapshot), ...quotaActions(snapshot)];
  // Somebody else's quota in the way is in no cache: nothing tells when it goes.
  const isCreating = actions.some((action) => action.do === 'createQuota');
  return {
    rule: actions.length === 0 ? 'Settled' : 'Follow',
    actions,
    requeueAfterMs: isCreating ? RETRY_MS : undefined,
  };
}

/** Limits stand on a relay before the first account does, wherever its accounts may go. */
function projections({ namespace, limits, hasAccounts, relays }: WorkspaceSnapshot): WorkspaceAction[] {
  return relays.flatMap(({ key, admits, defaultPlan, entry }): WorkspaceAction[] => {
    const isConcerned = admits && (limits.length > 0 || hasAccounts);
    const wanted = isConcerned ? workspaceConfig(namespace, effectivePlan(limits, defaultPlan)) : undefined;
    return isEqual(entry, wanted) ? [] : [{ do: 'project', relay: key, entry: wanted }];
  });
}

/** The new quota counts before the old one goes, so that admission never stands open. */
function quotaActions({ namespace, isActive, limits, quotas }: WorkspaceSnapshot): WorkspaceAction[] {
  const wanted = wantedQuota(namespace, limits);
  const present = quotas.find(({ metadata }) => metadata.name === wanted?.metadata.name);
  const others = quotas.filter((quota) => quota !== present);
  const isInForce = wanted === undefined || (present !== undefined && isCounting(present));
  const removals = isInForce ? others.map(({ metadata }) => deletion(metadata)) : [];
  if (wanted === undefined || !isActive) return removals;
  if (present === undefined) return [{ do: 'createQuota', quota: wanted }];
  if (holds(present, wanted)) return removals;
  const dropped = Object.keys(present.spec?.hard ?? {}).filter(
    (name) => wanted.spec?.hard?.[name] === undefined,
  );
  return [{ do: 'changeQuota', quota: wanted, dropped }, ...removals];
}

function deletion({ name, uid }: ResourceQuota['metadata']): WorkspaceAction {
  return { do: 'deleteQuota', name, uid: uid! };
}

function holds(present: ResourceQuota, wanted: ResourceQuota): boolean {
  const uids = (quota: ResourceQuota): string[] =>
    (quota.metadata.ownerReferences ?? []).map(({ uid }) => uid).toSorted();
  return isEqual(present.spec?.hard, wanted.spec?.hard) && isEqual(uids(present), uids(wanted));
}
