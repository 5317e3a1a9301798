import type { Attributes, Call, Diagnostic, ModifyPlanRequest, ValueObject } from '../core/index.ts';
import { conditionsOf, type Condition, type KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import type { Timeouts } from './common.ts';
import type { KindName } from './schema.generated.ts';
import type { Session } from './session.ts';

/** What sets one kind apart from the others. */
export interface KindBehaviour {
  readonly kind: KindName;
  readonly timeouts: Required<Timeouts>;
  /** Whether an object is as far as apply promises; called again on every change of it. */
  judge(object: KubeObject, declared: ValueObject): Progress;
  /** What goes beside the object, where its declaration brings something along. */
  readonly companion?: Companion;
  /** See Resource.advise of core/. */
  advise?(cluster: ClusterHandle, request: ModifyPlanRequest, call: Call): Promise<readonly Diagnostic[]>;
}

/** A second object that goes with the first: there before it, and removed after it. */
export interface Companion {
  /** Arguments on Terraform's side; none is a field of the object. */
  readonly attributes: Attributes;
  validate(config: ValueObject): Diagnostic[];
  isWanted(planned: ValueObject): boolean;
  /** The declaration with the fields that point to the companion. */
  declared(planned: ValueObject): ValueObject;
  before(session: Session, change: CompanionChange): Promise<Diagnostic | undefined>;
  /** Ties it to the object that it was made for, once that is there. */
  adopt(session: Session, created: { planned: ValueObject; uid: string | undefined }): Promise<void>;
  /** Removes what the change has left over; planned is null when the object is gone. */
  after(
    session: Session,
    change: Pick<CompanionChange, 'prior'> & { planned: ValueObject | null },
  ): Promise<void>;
}

export interface CompanionChange {
  readonly prior: ValueObject | null;
  readonly planned: ValueObject;
  /** With the values of write-only arguments. */
  readonly config: ValueObject;
}

/** `stalled` may still get better, when what it misses is made in the same apply; `failed` is final. */
export type Progress = 'done' | 'waiting' | { readonly stalled: string } | { readonly failed: string };

/**
 * Ready for the spec that was applied.
 * @param wantedRest reason of a Ready=False that was asked for, such as Suspended: no more will come
 */
export function judgeReady(object: KubeObject, wantedRest?: string): Progress {
  if (!isObserved(object)) return 'waiting';
  const ready = currentCondition(object, 'Ready');
  if (ready?.status === 'True' || (wantedRest !== undefined && ready?.reason === wantedRest)) return 'done';
  const stalled = currentCondition(object, 'Stalled');
  if (stalled?.status === 'True') {
    return { stalled: `${stalled.reason ?? 'Stalled'}: ${stalled.message ?? ''}` };
  }
  return 'waiting';
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
