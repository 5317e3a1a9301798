/** Conditions as kubectl wait and kstatus read them: each with observedGeneration and a documented reason. */
import type { Condition } from '../api/index.ts';

export type ConditionStatus = Condition['status'];

/** A condition as a decision states it; times and generation are added here. */
export interface ConditionDraft {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
}

export function condition(
  type: string,
  status: ConditionStatus,
  reason: string,
  message: string,
): ConditionDraft {
  return { type, status, reason, message };
}

/**
 * The conditions to write: those drafted, in their order. lastTransitionTime moves only when the status does.
 * What was there and is not drafted is dropped.
 */
export function mergeConditions(
  present: readonly Condition[] | undefined,
  drafts: readonly ConditionDraft[],
  generation: number | undefined,
  now: Date,
): Condition[] {
  return drafts.map((draft) => {
    const before = present?.find(({ type }) => type === draft.type);
    const isUnmoved = before?.status === draft.status;
    return {
      type: draft.type,
      status: draft.status,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: isUnmoved ? before.lastTransitionTime : timestampOf(now),
      reason: draft.reason,
      message: draft.message,
    };
  });
}

/** RFC 3339 in whole seconds, as metav1.Time writes it. */
export function timestampOf(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((entry) => entry.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}
