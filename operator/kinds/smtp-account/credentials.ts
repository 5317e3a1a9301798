/** When a new password is due, and what becomes of the earlier ones. Pure. */
import type { SmtpAccount } from '../../api/index.ts';
import type { AccountAction, Mint, MintCause } from './actions.ts';
import { entryOf, previousAfter, standingVerifiers, workspaceFor } from './entry.ts';
import { progressing, unavailable, waiting, type AccountDecision, type Case } from './outcomes.ts';
import { revisionOf } from './passwords.ts';
import type { Answered, Published } from './published.ts';
import { REASONS } from './reasons.ts';
import { nextRotationAt } from './schedule.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { statusOf } from './status.ts';

export function dueMint(one: Case): AccountDecision | undefined {
  const cause = causeOf(one);
  if (cause === undefined || one.isSuspended) return undefined;
  const { snapshot, relay, now } = one;
  const mint = mintFor(one, cause);
  if (cause === 'Reset') return reset(snapshot, mint, now);
  // Nobody could prove the password, and what is published goes on working.
  if (relay.acknowledged === 'none') return unavailable(snapshot, now);
  const reason = cause === 'Created' ? REASONS.provisioning : REASONS.rotating;
  return progressing(snapshot, now, { rule: cause, actions: [mint], reason, message: MESSAGES[cause] });
}

const MESSAGES: Record<MintCause, string> = {
  Created: 'the first password is being made and proven',
  Rotated: 'a new password is being made and proven; the old one goes on working',
  IntervalPassed: 'a new password is being made and proven; the old one goes on working',
  PasswordChanged: 'the new password is being proven; the old one goes on working',
  SecretDeleted: 'the Secret was deleted: a new password is being made and proven',
  SecretEdited: 'the Secret holds a password that was never issued: a new one is being made and proven',
  Reset: 'every old password is dying; a new one is being made',
};

/** A brought password cannot be replaced by us: it dies, and the next one is waited for. */
export function resetNeedsPassword(one: Case): AccountDecision | undefined {
  const { snapshot, account, relay, now } = one;
  const { source, secret } = snapshot;
  if (source.is !== 'there' || secret.is !== 'ours' || causeOf(one) !== 'Reset') return undefined;
  if (source.password !== secret.published.password) return undefined;
  const message = `the reset needs a new password in Secret ${account.spec.passwordFrom!.name}; the old one no longer logs in`;
  const standing = { ready: 'False', reason: REASONS.passwordMissing, message, step: 'secret' } as const;
  const { entry } = relay;
  const actions: AccountAction[] = [];
  if (entry !== undefined && entry.verifiers.length > 0) {
    const dead = entryOf(account, entry.username, [], one.isSuspended);
    actions.push({ do: 'sync', entry: dead, workspace: relay.workspace, isUrgent: true });
  }
  return { ...waiting(snapshot, now, standing), actions, isStatusFirst: true, requeueAfterMs: 2_000 };
}

/** Ready must not stand while old passwords die: its status goes before the deed. */
function reset(snapshot: AccountSnapshot, mint: Mint, now: Date): AccountDecision {
  const standing = {
    ready: 'Unknown',
    reason: REASONS.resetting,
    message: MESSAGES.Reset,
    step: 'relay',
  } as const;
  const event = { type: 'Normal', reason: 'Reset', message: 'all passwords were reset' } as const;
  return {
    rule: 'Reset',
    actions: [mint],
    status: statusOf(snapshot, standing, now),
    isStatusFirst: true,
    events: [event],
    requeueAfterMs: 5_000,
  };
}

/** The first reason that applies. */
function causeOf(one: Case): MintCause | undefined {
  const { snapshot, account, relay } = one;
  const { secret } = snapshot;
  if (secret.is !== 'ours') return relay.entry === undefined ? 'Created' : deletedCause(snapshot);
  const { published } = secret;
  if (isAbove(account.spec.rotation?.resetRevision, published.answered.reset)) return 'Reset';
  if (!isIntact(one, published)) return 'SecretEdited';
  if (isAbove(account.spec.rotation?.revision, published.answered.rotation)) return 'Rotated';
  if (snapshot.source.is === 'there' && snapshot.source.password !== published.password)
    return 'PasswordChanged';
  return nextRotationAt(account, published) <= one.now.getTime() ? 'IntervalPassed' : undefined;
}

/** Renaming the Secret is not deleting it: the former one still holds the password. */
function deletedCause({ former, matched }: AccountSnapshot): MintCause | undefined {
  return former !== undefined && matched >= 0 ? undefined : 'SecretDeleted';
}

/** The password is one that we issued, and the one that the Secret says it is. */
function isIntact({ snapshot, relay }: Case, published: Published): boolean {
  const verifier = relay.entry?.verifiers[snapshot.matched];
  if (verifier === undefined) return false;
  return snapshot.matched === 0 || published.verifierId === verifier.id;
}

function mintFor({ snapshot, account, relay, now }: Case, cause: MintCause): Mint {
  const verifiers = relay.entry?.verifiers ?? [];
  const published = snapshot.secret.is === 'ours' ? snapshot.secret.published : undefined;
  const isKnown = published !== undefined && snapshot.matched >= 0;
  // Newer ones than the published one were never published: their mint was interrupted.
  const standing = isKnown ? standingVerifiers(verifiers, snapshot.matched, published, now) : verifiers;
  const previous = cause === 'Reset' ? [] : previousAfter(account, standing, published?.previous ?? [], now);
  const keep = standing.filter(({ id }) => previous.some((entry) => entry.id === id));
  const highest = Math.max(0, published?.revision ?? 0, ...standing.map(revisionOf));
  return {
    do: 'mint',
    cause,
    revision: highest + 1,
    username: relay.entry?.username ?? (published?.username === '' ? undefined : published?.username),
    password: snapshot.source.is === 'there' ? snapshot.source.password : undefined,
    keep,
    previous,
    answered: answeredAfter(account, published?.answered, cause),
    workspace: workspaceFor(snapshot),
  };
}

/** A new password answers every trigger that was raised until now; a reset is answered by a reset only. */
function answeredAfter(account: SmtpAccount, answered: Answered | undefined, cause: MintCause): Answered {
  const { revision = 0, resetRevision = 0 } = account.spec.rotation ?? {};
  const isFirst = answered === undefined;
  return {
    rotation: Math.max(answered?.rotation ?? 0, revision),
    reset: isFirst || cause === 'Reset' ? Math.max(answered?.reset ?? 0, resetRevision) : answered.reset,
  };
}

function isAbove(wanted: number | undefined, answered: number): boolean {
  return wanted !== undefined && wanted > answered;
}
