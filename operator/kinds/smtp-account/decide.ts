/**
 * What to do about an account: an ordered list of rules, the first that applies decides. Pure.
 *
 * A restored Secret is secured (inherited.ts). Then guards (guards.ts: gone, invalid, no relay), the Secret
 * (secret-rules.ts) and what a password needs (credentials.ts), the entry on the relay, acknowledged by every pod; at
 * last the steady state (steady.ts).
 */
import type { relayApi, SmtpAccount } from '../../api/index.ts';
import { isEqual } from '../../runtime/index.ts';
import type { AccountAction } from './actions.ts';
import { dueMint, resetNeedsPassword } from './credentials.ts';
import { entryOf, overlapMs, standingVerifiers, workspaceFor } from './entry.ts';
import { extend } from './extension.ts';
import { gone, guard } from './guards.ts';
import { staleOwner } from './inherited.ts';
import {
  isSettled,
  progressing,
  unavailable,
  waiting,
  type AccountDecision,
  type Case,
  type Rule,
} from './outcomes.ts';
import { REASONS } from './reasons.ts';
import { followRollouts } from './rollout.ts';
import { foreignSecret, goingSecret, missingSource, secretDiffers, unknownVerifier } from './secret-rules.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { isElsewhere, steady, suspendedStanding } from './steady.ts';

export function decideAccount(snapshot: AccountSnapshot, now: Date): AccountDecision {
  const { account } = snapshot;
  if (account === undefined || account.metadata.deletionTimestamp !== undefined) return gone(snapshot);
  const restored = staleOwner(snapshot, account, now);
  if (restored !== undefined) return restored;
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

/** Nothing is made for an account that could not log in. */
function suspendedBeforeBirth({ snapshot, relay, isSuspended, now }: Case): AccountDecision | undefined {
  if (!isSuspended || snapshot.secret.is !== 'absent' || relay.entry !== undefined) return undefined;
  return waiting(snapshot, now, suspendedStanding(snapshot));
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

function standingVerifiersOf(
  snapshot: AccountSnapshot,
  { verifiers }: relayApi.AccountConfig,
  now: Date,
): relayApi.Verifier[] {
  const { secret, matched } = snapshot;
  if (secret.is !== 'ours' || matched < 0) return verifiers;
  return standingVerifiers(verifiers, matched, secret.published, now);
}
