/** The shapes that decisions about an account take. Pure. */
import type { SmtpAccount, SmtpAccountStatus } from '../../api/index.ts';
import { isTrue, type Decision, type Key } from '../../runtime/index.ts';
import type { AccountAction } from './actions.ts';
import { REASONS } from './reasons.ts';
import type { AccountSnapshot, ChosenRelay } from './snapshot.ts';
import { statusOf, type Standing } from './status.ts';

export type AccountDecision = Decision<AccountAction, SmtpAccountStatus>;

/** An account with what every rule after the guards may rely on. */
export interface Case {
  snapshot: AccountSnapshot;
  account: SmtpAccount;
  relay: ChosenRelay;
  /** By the spec, or because the plan has no room for it. */
  isSuspended: boolean;
  now: Date;
}

export type Rule = (one: Case) => AccountDecision | undefined;

/** Waiting for another object: a change brings the key back, this is for what no watch shows. */
const WAIT_MS = 15_000;

/** Nothing can be done now. */
export function waiting(snapshot: AccountSnapshot, now: Date, standing: Standing): AccountDecision {
  const status = statusOf(snapshot, standing, now);
  return { rule: standing.reason, actions: [], status, requeueAfterMs: WAIT_MS };
}

export function unavailable(snapshot: AccountSnapshot, now: Date): AccountDecision {
  const message = noPodReady(snapshot.relay?.key);
  const { relayUnavailable: reason } = REASONS;
  return waiting(snapshot, now, { ready: 'Unknown', reason, message, step: 'relay' });
}

/** Says where to look. */
export function noPodReady(relay: Key | undefined): string {
  return `no pod of SmtpRelay ${relay ?? ''} is ready: see its conditions`;
}

export interface Progress {
  rule: string;
  actions: AccountAction[];
  reason: string;
  message: string;
}

/** Something is being done; the status is written only if it has to stop half-way. */
export function progressing(snapshot: AccountSnapshot, now: Date, progress: Progress): AccountDecision {
  const { rule, actions, reason, message } = progress;
  const status = statusOf(snapshot, { ready: 'Unknown', reason, message, step: 'relay' }, now);
  return { rule, actions, status, requeueAfterMs: WAIT_MS };
}

/** Ready for this very spec already: waiting for a relay is no reason to say otherwise. */
export function isSettled({ status, metadata }: SmtpAccount): boolean {
  return status?.observedGeneration === metadata.generation && isTrue(status?.conditions, 'Ready');
}
