/**
 * Workloads that follow a new password: restarted once for it, and followed as `kubectl rollout status` does. Until
 * all are done no earlier password ends; then the overlap begins. Pure.
 */
import type { SmtpAccount } from '../../api/index.ts';
import type { Workload } from '../../kube/index.ts';
import { condition, type ConditionDraft } from '../../runtime/index.ts';
import { endAfter } from './entry.ts';
import { ANNOTATIONS, type PreviousPassword, type Published } from './published.ts';
import { REASONS } from './reasons.ts';

export interface RestartTarget {
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  name: string;
}

export type RolloutState =
  /** Its pods have not been asked to restart for this password. */
  | { is: 'due' }
  | { is: 'rolling'; said: string }
  /** It makes no progress. */
  | { is: 'stuck'; said: string }
  | { is: 'missing' }
  | { is: 'done' };

export interface Rollout {
  target: RestartTarget;
  state: RolloutState;
}

/** A StatefulSet or DaemonSet has no progress deadline of its own: this counts as none. */
const STUCK_MS = 15 * 60_000;

/** Where a workload stands on the way to the password of this revision. */
export function rolloutState(
  { kind }: RestartTarget,
  workload: Workload | undefined,
  { revision, since }: { revision: number; since: string },
  now: Date,
): RolloutState {
  if (workload === undefined) return { is: 'missing' };
  const annotation = workload.spec?.template?.metadata?.annotations?.[ANNOTATIONS.revision];
  if (annotation !== String(revision)) return { is: 'due' };
  const missed = workload.status?.conditions?.find(
    ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
  );
  const { generation } = workload.metadata;
  const isObserved = (workload.status?.observedGeneration ?? 0) >= (generation ?? 0);
  const said = isObserved ? WAITS_FOR[kind](workload) : 'the change is not observed yet';
  if (said === undefined) return { is: 'done' };
  if (isObserved && missed !== undefined) return { is: 'stuck', said: `${said}, past its progress deadline` };
  const isLate = now.getTime() - Date.parse(since) > STUCK_MS;
  return isLate ? { is: 'stuck', said: `${said} since ${since}` } : { is: 'rolling', said };
}

/** What the workload still waits for, in words; undefined when it is rolled out. */
const WAITS_FOR: Record<RestartTarget['kind'], (workload: Workload) => string | undefined> = {
  Deployment({ spec, status = {} }) {
    const wanted = spec?.replicas ?? 1;
    const { updatedReplicas: updated = 0, replicas = 0, availableReplicas: available = 0 } = status;
    if (spec?.paused === true) return 'its rollout is paused';
    if (updated < wanted) return `${updated} of ${wanted} pods are updated`;
    if (replicas > updated) return `${replicas - updated} old pods are ending`;
    return available < updated ? `${available} of ${updated} updated pods are available` : undefined;
  },
  StatefulSet({ spec, status = {} }) {
    // Pods below a partition stay on the former template for as long as the partition stands: they are counted too.
    const wanted = spec?.replicas ?? 1;
    const { readyReplicas: ready = 0, currentRevision, updateRevision } = status;
    const updated = currentRevision === updateRevision ? wanted : (status.updatedReplicas ?? 0);
    if (updated < wanted) {
      const manual = spec?.updateStrategy?.type === 'OnDelete' ? ' (OnDelete: delete its pods)' : '';
      return `${updated} of ${wanted} pods are updated${manual}`;
    }
    return ready < wanted ? `${ready} of ${wanted} pods are ready` : undefined;
  },
  DaemonSet({ spec, status = {} }) {
    const {
      desiredNumberScheduled: wanted = 0,
      updatedNumberScheduled: updated = 0,
      numberAvailable = 0,
    } = status;
    if (updated < wanted) {
      const manual = spec?.updateStrategy?.type === 'OnDelete' ? ' (OnDelete: delete its pods)' : '';
      return `${updated} of ${wanted} pods are updated${manual}`;
    }
    return numberAvailable < wanted ? `${numberAvailable} of ${wanted} pods are available` : undefined;
  },
};

/**
 * The record of earlier passwords while workloads follow, and when they have: what waits for them ends an overlap
 * after the last is done. While one waits longer than its overlap, its end is put off once more.
 */
export function followRollouts(
  { rollout, previous }: Published,
  rollouts: readonly Rollout[],
  overlapMs: number,
  now: Date,
): Pick<Published, 'rollout' | 'previous'> {
  if (rollout === undefined) return { rollout, previous };
  const isDone = rollouts.every(({ state }) => state.is === 'done');
  const end = endAfter(overlapMs, now);
  const moved = previous.map((entry): PreviousPassword => {
    if (entry.waits !== true) return entry;
    const { waits: _, ...rest } = entry;
    if (isDone) return { ...rest, validUntil: end };
    return Date.parse(entry.validUntil) > now.getTime() ? entry : { ...entry, validUntil: end };
  });
  return { rollout: isDone ? undefined : rollout, previous: moved };
}

/** Look again after this while workloads follow. */
export function rolloutCheckMs(rollouts: readonly Rollout[]): number {
  if (rollouts.every(({ state }) => state.is === 'done')) return Infinity;
  return rollouts.some(({ state }) => state.is === 'rolling' || state.is === 'due') ? 1_000 : 10_000;
}

/** Only accounts that name workloads have this condition; Ready does not depend on it. */
export function rolloutCondition(account: SmtpAccount, rollouts: readonly Rollout[]): ConditionDraft[] {
  if ((account.spec.rolloutTargets ?? []).length === 0) return [];
  const open = rollouts.filter(({ state }) => state.is !== 'done');
  const said = open.map(({ target, state }) => `${target.kind} ${target.name}: ${wordsOf(state)}`).join('; ');
  const kept = 'no earlier password ends before that';
  const draft = (status: ConditionDraft['status'], reason: string, message: string): ConditionDraft[] => [
    condition('RolloutsComplete', status, reason, message),
  ];
  if (open.length === 0) {
    return draft(
      'True',
      REASONS.rolledOut,
      'every workload of spec.rolloutTargets runs with the present password',
    );
  }
  if (open.some(({ state }) => state.is === 'stuck')) {
    return draft('False', REASONS.rolloutStuck, `${said}; ${kept}: see the events of the workload`);
  }
  if (open.some(({ state }) => state.is === 'missing')) {
    return draft(
      'False',
      REASONS.rolloutMissing,
      `${said}; ${kept}: create it or take it out of spec.rolloutTargets`,
    );
  }
  return draft('Unknown', REASONS.rollingOut, `${said}; ${kept}`);
}

function wordsOf(state: RolloutState): string {
  switch (state.is) {
    case 'due':
      return 'is about to be restarted';
    case 'missing':
      return 'is not there';
    case 'done':
      return 'is done';
    case 'rolling':
    case 'stuck':
      return state.said;
  }
}
