/** The ends of a decision: wait, or close for good; and the status that goes with them. Pure. */
import type { TestMessageStatus } from '../../api/index.ts';
import { condition, mergeConditions, type ConditionDraft } from '../../runtime/index.ts';
import * as Reason from './reasons.ts';
import type { Case, Verdict } from './snapshot.ts';

const SHORTEST_WAIT_MS = 200;
export const LONGEST_WAIT_MS = 60_000;

type Facts = Pick<TestMessageStatus, 'messageId' | 'queueId' | 'response' | 'deliveredAt'>;

/** Not the end: looked at again after a quarter of the time that has passed. */
export function wait(
  given: Case,
  phase: 'Pending' | 'Sent',
  reason: string,
  message: string,
  facts: Facts = {},
): Verdict {
  const drafts = draftsOf(given, 'Unknown', reason, message);
  const ageMs = given.now.getTime() - Date.parse(given.message.metadata.creationTimestamp ?? '1970-01-01');
  const requeueAfterMs = Math.min(Math.max(ageMs / 4, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
  return { actions: [], status: statusWith(given, { phase, ...facts }, drafts), requeueAfterMs };
}

export function close(
  given: Case,
  phase: 'Delivered' | 'Failed',
  reason: string,
  message: string,
  facts: Facts = {},
): Verdict {
  const isDelivered = phase === 'Delivered';
  const drafts = draftsOf(given, isDelivered ? 'True' : 'False', reason, message);
  const type = isDelivered ? 'Normal' : 'Warning';
  return {
    actions: [],
    status: statusWith(given, { phase, ...facts }, drafts),
    events: [{ type, reason, message }],
  };
}

function draftsOf(
  given: Case,
  ready: ConditionDraft['status'],
  reason: string,
  message: string,
): ConditionDraft[] {
  const stalled = condition('Stalled', ready === 'False' ? 'True' : 'False', reason, message);
  return [
    condition('Ready', ready, reason, message),
    condition('Reconciling', ready === 'Unknown' ? 'True' : 'False', reason, message),
    stalledOf(given, stalled),
  ];
}

/** Every change of spec raises the generation; the first one is 1. */
export function stalledOf({ message }: Case, otherwise: ConditionDraft): ConditionDraft {
  if ((message.metadata.generation ?? 1) === 1) return otherwise;
  const text = 'a TestMessage is immutable: create another one to send again';
  return condition('Stalled', 'True', Reason.IMMUTABLE, text);
}

export function statusWith(
  { message, now }: Case,
  change: Partial<TestMessageStatus>,
  drafts: readonly ConditionDraft[],
): TestMessageStatus {
  const { generation } = message.metadata;
  const { phase, messageId, queueId, response, deliveredAt, conditions } = message.status ?? {};
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(phase && { phase }),
    ...(messageId !== undefined && { messageId }),
    ...(queueId !== undefined && { queueId }),
    ...(response !== undefined && { response }),
    ...(deliveredAt !== undefined && { deliveredAt }),
    ...change,
    conditions: mergeConditions(conditions, drafts, generation, now),
  };
}
