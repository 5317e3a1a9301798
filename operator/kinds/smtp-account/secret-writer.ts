/** Writing of the credentials Secret, and what the actions are given. */
import type { OperatorContext } from '../../context.ts';
import { isKubeError, type Secret } from '../../kube/index.ts';
import type { LoginProver } from '../../login/index.ts';
import type { ActionResult, Key } from '../../runtime/index.ts';
import type { AccountMemory } from './observe.ts';
import type { Retirement } from './retirement.ts';

export interface Performer {
  context: OperatorContext;
  memory: AccountMemory;
  prover: LoginProver;
  retirement: Retirement;
  /** Accounts that are worked on or wait to be, at this moment. */
  countBusy: () => number;
}

/** Somebody else was faster, or it is gone: what is there now decides. */
export async function writeSecret(
  { memory }: Performer,
  key: Key,
  write: () => Promise<Secret>,
): Promise<ActionResult> {
  try {
    const written = await write();
    memory.fresh.set(key, written);
    memory.inherited.renew(key, written);
  } catch (error) {
    if (!isKubeError(error, 'Conflict', 'NotFound')) throw error;
  }
  return 'observe';
}
