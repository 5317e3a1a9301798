import type { ValueObject } from '../core/index.ts';
import { conditionsOf, type Condition, type KubeObject } from '../kube/index.ts';
import type { Timeouts } from './common.ts';
import type { KindName } from './schema.generated.ts';

/** What sets one kind apart from the others. */
export interface KindBehaviour {
  readonly kind: KindName;
  readonly timeouts: Required<Timeouts>;
  /** Whether an object is as far as apply promises; called again on every change of it. */
  judge(object: KubeObject, declared: ValueObject): Progress;
}

export type Progress = 'done' | 'waiting' | { readonly failed: string };

/** Ready for the spec that was applied; what cannot get better by waiting fails at once. */
export function judgeReady(object: KubeObject): Progress {
  if (!isObserved(object)) return 'waiting';
  const stalled = currentCondition(object, 'Stalled');
  if (stalled?.status === 'True')
    return { failed: `${stalled.reason ?? 'Stalled'}: ${stalled.message ?? ''}` };
  return currentCondition(object, 'Ready')?.status === 'True' ? 'done' : 'waiting';
}

/** Whether status speaks of the present spec; without this a wait would believe the last spec's Ready. */
export function isObserved(object: KubeObject): boolean {
  const observed = object.status?.['observedGeneration'];
  return typeof observed === 'number' && observed >= (object.metadata.generation ?? 0);
}

function currentCondition(object: KubeObject, type: string): Condition | undefined {
  const found = conditionsOf(object).find((condition) => condition.type === type);
  const generation = object.metadata.generation ?? 0;
  return found && (found.observedGeneration ?? generation) >= generation ? found : undefined;
}
