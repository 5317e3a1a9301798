/** Status of a domain after a step that failed. Pure. */
import type { VerifiedDomainStatus } from '../../api/index.ts';
import { condition, isTrue, mergeConditions, type ConditionDraft } from '../../runtime/index.ts';
import * as Reason from './reasons.ts';
import type { Snapshot } from './snapshot.ts';

/** What holds stays, as of the generation that it was told of; the failure is told. */
export function statusAfterError(
  { domain }: Pick<Snapshot, 'domain'>,
  error: unknown,
  decided: VerifiedDomainStatus | undefined,
  now: Date,
): VerifiedDomainStatus | undefined {
  if (domain === undefined) return undefined;
  const message = error instanceof Error ? error.message : 'unknown failure';
  const status = decided ?? domain.status ?? {};
  const before = domain.status?.conditions;
  const isReady = isTrue(before, 'Ready');
  const kept = (status.conditions ?? []).filter(
    ({ type }) => type !== 'Reconciling' && (isReady || type !== 'Ready'),
  );
  const told = (...drafts: ConditionDraft[]) =>
    mergeConditions(before, drafts, domain.metadata.generation, now);
  const ready = isReady ? [] : told(condition('Ready', 'Unknown', Reason.ERROR, message));
  const failed = told(condition('Reconciling', 'True', Reason.ERROR, message));
  return { ...status, conditions: [...ready, ...kept, ...failed] };
}
