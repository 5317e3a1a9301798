/**
 * What to do about an account: an ordered list of rules, the first that applies decides. Pure.
 *
 * Guards first (gone, invalid, no relay, over the plan, foreign Secret), then what a password needs (credentials.ts),
 * then the steady state: entry on the relay, acknowledged by every pod, Secret as it should be, Ready.
 */
import type { relayApi, SmtpAccount } from '../../api/index.ts';
import { isEqual } from '../../runtime/index.ts';
import type { AccountAction } from './actions.ts';
import { secretOf, secretPatch, type Credentials } from './content.ts';
import { dueMint, resetNeedsPassword } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import { entryOf, overlapMs, standingVerifiers, unended, workspaceFor } from './entry.ts';
import { extend } from './extension.ts';
import {
  isSettled,
  progressing,
  unavailable,
  waiting,
  type AccountDecision,
  type Case,
  type Rule,
} from './outcomes.ts';
import { secretNameOf, type Published } from './published.ts';
import { REASONS } from './reasons.ts';
import { followRollouts, rolloutCheckMs } from './rollout.ts';
import { nextMomentMs } from './schedule.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { statusOf, type Standing } from './status.ts';

/** A Secret that is being collected goes within moments. */
const GOING_MS = 100;
const SOURCE_MS = 2_000;
/** Brought passwords are re-read well within a minute. */
const SOURCE_RECHECK_MS = 20_000;

export function decideAccount(snapshot: AccountSnapshot, now: Date): AccountDecision {
  const { account } = snapshot;
  if (account === undefined || account.metadata.deletionTimestamp !== undefined) return gone(snapshot);
  const guarded = guard(snapshot, account, now);
  if (guarded !== undefined) return guarded;
  const relay = snapshot.relay!;
  const isSuspended =
    account.spec.suspended === true || snapshot.plan?.isServed === false || isElsewhere(snapshot);
  const { extended, events } = extendedSnapshot(snapshot, account, now);
  const one: Case = { snapshot: extended, account, relay, isSuspended, now };
  for (const rule of RULES) {
    const decision = rule(one);
    if (decision !== undefined) return { ...decision, events: [...events, ...(decision.events ?? [])] };
  }
  return steady(one);
}

function extendedSnapshot(snapshot: AccountSnapshot, account: SmtpAccount, now: Date) {
  const { secret, lastUsed, rollouts } = snapshot;
  if (secret.is !== 'ours') return { extended: snapshot, events: [] };
  const followed = followRollouts(secret.published, rollouts, overlapMs(account), now);
  const { previous, events } = extend(followed.previous, lastUsed, overlapMs(account), now);
  const published = { ...secret.published, rollout: followed.rollout, previous };
  return { extended: { ...snapshot, secret: { ...secret, published } }, events };
}

/** Deletion is absence: every relay that still knows the account forgets it. */
function gone({ elsewhere, relay, isListed, key }: AccountSnapshot): AccountDecision {
  const relays = [...elsewhere, ...(relay?.entry === undefined ? [] : [relay.key])];
  const actions = relays.map((relay): AccountAction => ({ do: 'remove', relay, key }));
  return { rule: 'Gone', actions: isListed ? actions : [] };
}

function guard(snapshot: AccountSnapshot, account: SmtpAccount, now: Date): AccountDecision | undefined {
  const problem = snapshot.problems[0];
  if (problem !== undefined) {
    const message = `${problem.field}: ${problem.message}`;
    return waiting(snapshot, now, { ready: 'False', reason: REASONS.invalidSpec, message, step: 'spec' });
  }
  const { choice } = snapshot;
  if (choice?.found !== true) {
    const message = choice?.message ?? 'no relay was chosen';
    const isRefused = choice?.reason === 'RelayNotAllowed' || choice?.reason === 'RelayAmbiguous';
    const ready = isRefused ? 'False' : 'Unknown';
    const standing: Standing = { ready, reason: choice?.reason ?? 'RelayNotFound', message, step: 'relay' };
    const decision = waiting(snapshot, now, standing);
    // A relay that no longer admits the workspace no longer takes its logins.
    const remove = snapshot.elsewhere.map((relay): AccountAction => ({
      do: 'remove',
      relay,
      key: snapshot.key,
    }));
    return { ...decision, actions: choice?.reason === 'RelayNotAllowed' ? remove : [] };
  }
  if (snapshot.relay !== undefined) return undefined;
  const message = `SmtpRelay ${choice.relay.metadata.namespace}/${choice.relay.metadata.name} is not open yet`;
  const decision = waiting(snapshot, now, {
    ready: 'Unknown',
    reason: REASONS.relayStarting,
    message,
    step: 'relay',
  });
  return isSettled(account) ? { ...decision, status: undefined } : decision;
}

const RULES: Rule[] = [
  otherAccountsEntry,
  foreignSecret,
  goingSecret,
  suspendedBeforeBirth,
  missingSource,
  unknownVerifier,
  resetNeedsPassword,
  dueMint,
  entryDiffers,
  notAcknowledged,
  secretDiffers,
];

/** The entry is of an account that had this name before: its login dies before anything else happens. */
function otherAccountsEntry({ snapshot, account, relay }: Case): AccountDecision | undefined {
  if (relay.entry === undefined || relay.entry.id === account.metadata.uid) return undefined;
  if (isKept(snapshot)) return undefined;
  return { rule: 'OtherAccountsEntry', actions: [{ do: 'drop', relay: relay.key, key: snapshot.key }] };
}

/** Restored together with the Secret: the same login under a new uid. */
function isKept({ secret, isInherited, matched }: AccountSnapshot): boolean {
  return secret.is === 'ours' && isInherited && matched >= 0;
}

function foreignSecret({ snapshot, account, now }: Case): AccountDecision | undefined {
  if (snapshot.secret.is !== 'foreign') return undefined;
  const name = secretNameOf(account);
  const message = `Secret ${name} exists and is not this account's (${snapshot.secret.why}): it is left as it is; delete it or set spec.secret.name`;
  return waiting(snapshot, now, { ready: 'False', reason: REASONS.secretConflict, message, step: 'secret' });
}

/** The Secret of the account that had this name before is about to be collected. */
function goingSecret({ snapshot, now }: Case): AccountDecision | undefined {
  const { secret, isInherited } = snapshot;
  if (secret.is !== 'ours' || isInherited) return undefined;
  const message = 'waits for the Secret of the account that had this name before to go';
  const decision = waiting(snapshot, now, {
    ready: 'Unknown',
    reason: REASONS.secretGoing,
    message,
    step: 'secret',
  });
  return { ...decision, requeueAfterMs: GOING_MS };
}

/** Nothing is made for an account that could not log in. */
function suspendedBeforeBirth({ snapshot, relay, isSuspended, now }: Case): AccountDecision | undefined {
  if (!isSuspended || snapshot.secret.is !== 'absent' || relay.entry !== undefined) return undefined;
  return waiting(snapshot, now, suspendedStanding(snapshot));
}

function missingSource({ snapshot, now }: Case): AccountDecision | undefined {
  if (snapshot.source.is !== 'missing') return undefined;
  // A published password goes on working while its source is away.
  if (snapshot.secret.is === 'ours' && snapshot.matched >= 0) return undefined;
  const { message } = snapshot.source;
  const decision = waiting(snapshot, now, {
    ready: 'Unknown',
    reason: REASONS.passwordMissing,
    message,
    step: 'secret',
  });
  return { ...decision, requeueAfterMs: SOURCE_MS };
}

/** A Secret of ours and no verifier known (restore, migration, new relay): kept as it is. */
function unknownVerifier({ snapshot, relay, isSuspended, now }: Case): AccountDecision | undefined {
  const { secret } = snapshot;
  if (secret.is !== 'ours' || relay.entry !== undefined || secret.published.password === '') return undefined;
  if (relay.acknowledged === 'none') return unavailable(snapshot, now);
  const action: AccountAction = { do: 'adopt', published: secret.published, isSuspended };
  return progressing(snapshot, now, {
    rule: 'UnknownVerifier',
    actions: [action],
    reason: REASONS.provisioning,
    message: 'taking over the password in the Secret',
  });
}

function entryDiffers({ snapshot, account, relay, isSuspended, now }: Case): AccountDecision | undefined {
  const { entry } = relay;
  if (entry === undefined) return undefined;
  const verifiers = standingVerifiersOf(snapshot, entry, now);
  const wanted = entryOf(account, entry.username, verifiers, isSuspended);
  const workspace = workspaceFor(snapshot);
  if (isEqual(entry, wanted) && isEqual(relay.workspace, workspace)) return undefined;
  // What takes rights away does not wait for others to share a write.
  const isUrgent = (isSuspended && !entry.suspended) || verifiers.length < entry.verifiers.length;
  const action: AccountAction = { do: 'sync', entry: wanted, workspace, isUrgent };
  return progressing(snapshot, now, {
    rule: 'EntryDiffers',
    actions: [action],
    reason: REASONS.provisioning,
    message: 'the relay takes the change up',
  });
}

function notAcknowledged({ snapshot, account, relay, now }: Case): AccountDecision | undefined {
  switch (relay.acknowledged) {
    case 'yes':
      return undefined;
    case 'none': {
      const decision = unavailable(snapshot, now);
      return isSettled(account) ? { ...decision, status: undefined } : decision;
    }
    case 'late': {
      const message = `waits for ${relay.latePods.join(', ')} to acknowledge`;
      return progressing(snapshot, now, {
        rule: 'NotAcknowledged',
        actions: [{ do: 'await' }],
        reason: REASONS.relayOutOfStep,
        message,
      });
    }
  }
}

function secretDiffers(one: Case): AccountDecision | undefined {
  const { snapshot, account, now } = one;
  if (snapshot.matched < 0) return undefined;
  if (snapshot.secret.is !== 'ours') return renamed(one);
  const { published } = snapshot.secret;
  const wanted = secretOf(account, credentialsOf(one, published), endpointOf(account, one.relay));
  const patch = secretPatch(published.secret, wanted, published.owned);
  if (patch === undefined) return undefined;
  const actions: AccountAction[] = [{ do: 'patch', patch }];
  return progressing(snapshot, now, {
    rule: 'SecretDiffers',
    actions,
    reason: REASONS.provisioning,
    message: 'the Secret is brought up to date',
  });
}

/** The spec names another Secret: the same password goes there. */
function renamed(one: Case): AccountDecision | undefined {
  const { snapshot, account, now } = one;
  const { former } = snapshot;
  if (former === undefined) return undefined;
  const secret = secretOf(account, credentialsOf(one, former), endpointOf(account, one.relay));
  const actions: AccountAction[] = [{ do: 'create', secret }];
  return progressing(snapshot, now, {
    rule: 'Renamed',
    actions,
    reason: REASONS.provisioning,
    message: 'the Secret moves to its new name',
  });
}

function steady(one: Case): AccountDecision {
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

function suspendedStanding(snapshot: AccountSnapshot): Standing {
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

function standingVerifiersOf(
  snapshot: AccountSnapshot,
  { verifiers }: relayApi.AccountConfig,
  now: Date,
): relayApi.Verifier[] {
  const { secret, matched } = snapshot;
  if (secret.is !== 'ours' || matched < 0) return verifiers;
  return standingVerifiers(verifiers, matched, secret.published, now);
}

/** Mail of one plan is counted on one relay only. */
function isElsewhere({ plan, planRelay }: AccountSnapshot): boolean {
  return planRelay !== undefined && plan !== undefined && plan.plan.source !== 'Unlimited';
}

/** The credentials that are published, as they should be recorded now. */
function credentialsOf({ snapshot, relay, now }: Case, published: Published): Credentials {
  const entry = relay.entry!;
  const verifier = entry.verifiers[snapshot.matched]!;
  const previous = unended(published.previous, now).filter(({ id }) =>
    entry.verifiers.some((v) => v.id === id),
  );
  return {
    username: entry.username,
    password: published.password,
    revision: Math.max(1, published.revision),
    verifierId: verifier.id,
    issuedAt: published.issuedAt ?? now.toISOString(),
    answered: published.answered,
    previous,
    rollout: published.rollout,
  };
}
