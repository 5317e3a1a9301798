/** An account with nothing left to change: what is tidied up, what its status says, when it is looked at again. Pure. */
import type { SmtpAccount } from '../../api/index.ts';
import type { AccountAction } from './actions.ts';
import type { AccountDecision, Case } from './outcomes.ts';
import { REASONS } from './reasons.ts';
import { rolloutCheckMs } from './rollout.ts';
import { nextMomentMs } from './schedule.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { statusOf, type Standing } from './status.ts';

/** Brought passwords are re-read well within a minute. */
const SOURCE_RECHECK_MS = 20_000;

export function steady(one: Case): AccountDecision {
  const { snapshot, account, isSuspended, now } = one;
  const actions: AccountAction[] = [];
  if (snapshot.former !== undefined) actions.push({ do: 'delete-former', published: snapshot.former });
  for (const relay of snapshot.elsewhere) actions.push({ do: 'leave', relay, key: snapshot.key });
  const due = snapshot.rollouts.filter(({ state }) => state.is === 'due').map(({ target }) => target);
  if (due.length > 0) actions.push({ do: 'restart', targets: due });
  const standing = isSuspended ? suspendedStanding(snapshot) : readyStanding(account, snapshot);
  return {
    rule: 'Steady',
    actions,
    status: statusOf(snapshot, standing, now),
    ...recheck(one),
  };
}

function recheck({
  snapshot,
  account,
  now,
}: Case): Pick<AccountDecision, 'requeueAfterMs' | 'requeuePriority'> {
  // Spread over time, so that ten thousand Secrets are not looked at in one second.
  const spread = 0.75 + (Number.parseInt(account.metadata.uid!.slice(-4), 16) / 0xffff) * 0.5;
  const checkMs = Math.max(1_000, snapshot.secretCheckMs * (spread || 1));
  const sourceMs = snapshot.source.is === 'unused' ? Infinity : SOURCE_RECHECK_MS;
  const momentMs = Math.min(
    sourceMs,
    nextMomentMs(account, snapshot, now),
    rolloutCheckMs(snapshot.rollouts),
  );
  // A look at a Secret that nobody has touched, most likely: those that wait for a password go first.
  return checkMs < momentMs
    ? { requeueAfterMs: checkMs, requeuePriority: 'later' }
    : { requeueAfterMs: momentMs };
}

function readyStanding(account: SmtpAccount, snapshot: AccountSnapshot): Standing {
  const { rotation } = account.spec;
  const answered = snapshot.secret.is === 'ours' ? snapshot.secret.published.answered : undefined;
  const lowered = [
    ['rotation.revision', rotation?.revision, answered?.rotation],
    ['rotation.resetRevision', rotation?.resetRevision, answered?.reset],
  ].flatMap(([name, spec, done]) =>
    typeof spec === 'number' && typeof done === 'number' && spec < done
      ? [`; ${name} ${spec} is below ${done}, which was answered: raise it above to have an effect`]
      : [],
  );
  const message = `the published password logs in on every pod of the relay${lowered.join('')}`;
  return { ready: 'True', reason: REASONS.ready, message, step: 'done' };
}

export function suspendedStanding(snapshot: AccountSnapshot): Standing {
  const { plan, planRelay, account, relay } = snapshot;
  if (account?.spec.suspended === true) {
    const message = 'spec.suspended is true: logins are refused and queued mail is held';
    return { ready: 'False', reason: REASONS.suspended, message, step: 'suspended' };
  }
  const { name, maxAccounts } = plan?.plan ?? {};
  if (planRelay !== undefined && isElsewhere(snapshot)) {
    const message = `a workspace under a plan sends through one relay: SmtpAccount ${planRelay.account}, the oldest, uses ${planRelay.relay} and this one ${relay?.key}; name the same one in spec.relayRef`;
    return { ready: 'False', reason: REASONS.otherRelay, message, step: 'plan' };
  }
  const message = `plan ${name} has ${maxAccounts} accounts and older ones use them all: delete one or raise the plan`;
  return { ready: 'False', reason: REASONS.planExceeded, message, step: 'plan' };
}

/** Mail of one plan is counted on one relay only. */
export function isElsewhere({ plan, planRelay }: AccountSnapshot): boolean {
  return planRelay !== undefined && plan !== undefined && plan.plan.source !== 'Unlimited';
}
