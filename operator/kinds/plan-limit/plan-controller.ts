/** Writes the status of PlanLimits. What they ask for is done by the workspace controller. */
import type { PlanLimit, PlanLimitStatus } from '../../api/index.ts';
import { BY_NAMESPACE } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import {
  condition,
  keyOf,
  mergeConditions,
  prepareController,
  refOf,
  watchOwn,
  watchWith,
  type Key,
  type PreparedController,
  type Watch,
} from '../../runtime/index.ts';
import type { UsageBoard } from '../../usage/index.ts';
import { wantedQuota } from './quota.ts';
import * as Reason from './reasons.ts';
import { observeWorkspace } from './workspace-controller.ts';
import { decideWorkspace } from './workspace.ts';
import { decidePlan, type PlanDecision, type PlanSnapshot } from './status.ts';

export interface PlanParts {
  context: OperatorContext;
  usage: UsageBoard;
  foreign: ReadonlySet<string>;
  /** Set by the controller: reconcile the PlanLimits of a namespace. */
  wake: (namespace: string) => void;
}

/** A wave of accounts moves `used` with each one: status follows this often, less often the more there are. */
const QUIET_MS = 2_000;
const QUIET_MS_PER_ACCOUNT = 1_000;
const LONGEST_QUIET_MS = 15_000;
/** Relays that have not acknowledged yet are looked at again. */
const LATE_MS = 250;

export function createPlanController(parts: PlanParts): PreparedController {
  const { caches } = parts.context;
  const writtenAt = new Map<Key, number>();
  const plansOf = (namespace = ''): Key[] => caches.plans.byIndex(BY_NAMESPACE, namespace).map(keyOf);
  return prepareController<PlanLimit, PlanSnapshot, never, PlanLimitStatus>({
    name: 'plan-limit',
    concurrency: 16,
    informer: caches.plans,
    watches: [
      watchOwn(caches.plans),
      watchWith(caches.plans, ({ object }) => plansOf(object.metadata.namespace)),
      watchWith(caches.quotas, ({ object }) => plansOf(object.metadata.namespace)),
      watchWith(caches.accounts, ({ type, object }) =>
        type === 'Updated' ? [] : plansOf(object.metadata.namespace),
      ),
      watchWith(caches.domains, ({ type, object }) =>
        type === 'Updated' ? [] : plansOf(object.metadata.namespace),
      ),
      watchUsage(parts, plansOf),
    ],
    observe: (key) => observe(parts, key),
    objectOf: ({ limit }) => limit,
    decide: (snapshot, now) => {
      const decision = decidePlan(snapshot, now);
      const { limit } = snapshot;
      return limit === undefined ? decision : paced(decision, snapshot, limit, writtenAt, now);
    },
    apply: () => Promise.resolve('done'),
    statusAfterError,
  });
}

function watchUsage(parts: PlanParts, plansOf: (namespace: string) => Key[]): Watch {
  return {
    connect: (add) => {
      parts.wake = (namespace) => {
        for (const key of plansOf(namespace)) add(key, false);
      };
      parts.usage.onRound(() => {
        for (const limit of parts.context.caches.plans.values()) add(keyOf(limit), true);
      });
    },
  };
}

async function observe({ context, usage, foreign }: PlanParts, key: Key): Promise<PlanSnapshot> {
  const { caches, relays } = context;
  const { namespace } = refOf(key);
  const limits = caches.plans
    .byIndex(BY_NAMESPACE, namespace)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const wanted = wantedQuota(namespace, limits);
  const concerned = [...relays.values()].filter(
    ({ shards }) => shards.get('workspaces', namespace) !== undefined,
  );
  const answers = await Promise.all(
    concerned.map(async (handle) => {
      const placement = handle.shards.placementOf('workspaces', namespace);
      const answer = await handle.whenApplied([placement], 0);
      return answer.kind === 'late' ? [`SmtpRelay ${handle.key}`] : [];
    }),
  );
  return {
    limit: limits.find((limit) => keyOf(limit) === key),
    limits,
    quota: wanted && caches.quotas.get(`${namespace}/${wanted.metadata.name}`),
    isQuotaForeign: foreign.has(namespace),
    accounts: caches.accountAges.of(namespace),
    domains: caches.domains.byIndex(BY_NAMESPACE, namespace).length,
    lateRelays: [...new Set([...unwrittenRelays(context, namespace), ...answers.flat()])],
    usage: usage.workspace(namespace),
  };
}

/**
 * Relays to which the limits are still to be written. Both controllers hear of a change at once, and this one may be
 * first: what the pods have acknowledged are then the limits of before.
 */
function unwrittenRelays(context: OperatorContext, namespace: string): string[] {
  const { actions } = decideWorkspace(observeWorkspace(context, namespace));
  return actions.flatMap((action) => (action.do === 'project' ? [`SmtpRelay ${action.relay}`] : []));
}

/** What people wait for is written at once; counts that move on their own, now and then. */
function paced(
  decision: PlanDecision,
  { lateRelays, accounts }: PlanSnapshot,
  limit: PlanLimit,
  writtenAt: Map<Key, number>,
  now: Date,
): PlanDecision {
  const late = lateRelays.length > 0 ? { requeueAfterMs: LATE_MS } : {};
  const before = limit.status;
  const quietMs = Math.min(Math.max(QUIET_MS, accounts.length * QUIET_MS_PER_ACCOUNT), LONGEST_QUIET_MS);
  const restMs = (writtenAt.get(keyOf(limit)) ?? 0) + quietMs - now.getTime();
  const saysSame = summary(before) === summary(decision.status);
  if (saysSame && restMs > 0 && before !== undefined) {
    return { ...decision, status: before, requeueAfterMs: restMs, ...late };
  }
  writtenAt.set(keyOf(limit), now.getTime());
  return { ...decision, ...late };
}

function summary(status: PlanLimitStatus | undefined): string {
  const conditions = (status?.conditions ?? []).map(({ type, status, reason }) => [type, status, reason]);
  return JSON.stringify([status?.observedGeneration, status?.hard, status?.asOf, conditions]);
}

function statusAfterError(
  { limit }: PlanSnapshot,
  error: unknown,
  decided: PlanLimitStatus | undefined,
  now: Date,
): PlanLimitStatus | undefined {
  if (limit === undefined) return undefined;
  const message = error instanceof Error ? error.message : 'unknown failure';
  const drafts = [condition('Ready', 'Unknown', Reason.ERROR, message)];
  const conditions = mergeConditions(limit.status?.conditions, drafts, limit.metadata.generation, now);
  return { ...(decided ?? limit.status), conditions };
}
