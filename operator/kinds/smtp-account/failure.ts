/** Status of an account after a step that failed. */
import type { SmtpAccountStatus } from '../../api/index.ts';
import { isKubeError } from '../../kube/index.ts';
import { isSettled } from './outcomes.ts';
import { RelayProblem } from './proof.ts';
import { REASONS } from './reasons.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { statusOf } from './status.ts';

export function statusAfterError(
  snapshot: AccountSnapshot,
  error: unknown,
  decided: SmtpAccountStatus | undefined,
  now: Date,
): SmtpAccountStatus | undefined {
  const { account } = snapshot;
  if (account === undefined) return undefined;
  if (error instanceof RelayProblem) {
    const ready = error.reason === REASONS.loginRefused ? 'False' : 'Unknown';
    const step = error.reason === REASONS.loginRefused ? 'login' : 'relay';
    return statusOf(snapshot, { ready, reason: error.reason, message: error.message, step }, now);
  }
  // What is published goes on working while the API server does not.
  if (isSettled(account) && isKubeError(error, 'Temporary', 'Conflict', 'Unknown')) return undefined;
  if (!isKubeError(error)) return decided;
  return statusOf(
    snapshot,
    { ready: 'Unknown', reason: REASONS.apiError, message: error.message, step: 'secret' },
    now,
  );
}
