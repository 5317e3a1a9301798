/** An account's entry in its relay's shards. Pure. */
import { durationMs, type relayApi, type SmtpAccount } from '../../api/index.ts';
import { workspaceConfig } from '../../policy/index.ts';
import { timestampOf } from '../../runtime/index.ts';
import { revisionOf } from './passwords.ts';
import type { PreviousPassword, Published } from './published.ts';
import type { AccountSnapshot } from './snapshot.ts';

type Verifier = relayApi.Verifier;

/** Earlier passwords that may log in at the same time. */
export const MOST_PREVIOUS = 5;

export function entryOf(
  account: SmtpAccount,
  username: string,
  verifiers: Verifier[],
  isSuspended: boolean,
): relayApi.AccountConfig {
  const { limits, allowedSenders } = account.spec;
  const { onWindowLimit, ...windows } = limits ?? {};
  return {
    id: account.metadata.uid!,
    namespace: account.metadata.namespace!,
    name: account.metadata.name,
    username,
    verifiers,
    allowedSenders: allowedSenders ?? [],
    limits: { ...windows, onWindowLimit: onWindowLimit ?? 'Queue' },
    suspended: isSuspended,
  };
}

/** Verifiers that should stand while `published` is: its own, and earlier ones until their end. */
export function standingVerifiers(
  verifiers: readonly Verifier[],
  matched: number,
  published: Published,
  now: Date,
): Verifier[] {
  const current = verifiers[matched];
  const earlier = verifiers.filter(
    (verifier) => verifier !== current && isStanding(published.previous, verifier.id, now),
  );
  return current === undefined ? earlier : [current, ...earlier];
}

function isStanding(previous: readonly PreviousPassword[], id: string, now: Date): boolean {
  return unended(previous, now).some((entry) => entry.id === id);
}

/** Those of `previous` that have not ended. */
export function unended(previous: readonly PreviousPassword[], now: Date): PreviousPassword[] {
  return previous.filter(({ validUntil, waits }) => waits === true || Date.parse(validUntil) > now.getTime());
}

export function overlapMs(account: SmtpAccount): number {
  return durationMs(account.spec.rotation?.overlap ?? '24h');
}

/** Whole seconds, upwards: an overlap of one second is never less than that. */
export function endAfter(overlapMs: number, from: Date): string {
  return timestampOf(new Date(Math.ceil((from.getTime() + overlapMs) / 1000) * 1000));
}

/** The overlap runs from the publication, however long it took to get there: what had no end before ends so. */
export function endsFromPublication(
  account: SmtpAccount,
  previous: readonly PreviousPassword[],
  before: readonly PreviousPassword[],
  publishedAt: Date,
): PreviousPassword[] {
  const validUntil = endAfter(overlapMs(account), publishedAt);
  return previous.map((entry) =>
    before.some(({ id }) => id === entry.id) ? entry : { ...entry, validUntil },
  );
}

/**
 * The verifiers that a new password leaves standing, with their ends: what had one keeps it, the others get one, which
 * waits for the workloads that the account names.
 */
export function previousAfter(
  account: SmtpAccount,
  standing: readonly Verifier[],
  previous: readonly PreviousPassword[],
  now: Date,
): PreviousPassword[] {
  const end = endAfter(overlapMs(account), now);
  return standing.slice(0, MOST_PREVIOUS).map((verifier) => {
    const known = previous.find(({ id }) => id === verifier.id);
    if (known !== undefined) return known;
    const waits = (account.spec.rolloutTargets ?? []).length > 0;
    return { id: verifier.id, revision: revisionOf(verifier), validUntil: end, ...(waits ? { waits } : {}) };
  });
}

/**
 * The workspace's limits must stand on the relay before its first account does. They are the PlanLimit kind's: what
 * stands is left as it is, what is missing is put.
 */
export function workspaceFor({
  relay,
  plan,
  account,
}: AccountSnapshot): relayApi.WorkspaceConfig | undefined {
  if (relay?.workspace !== undefined || plan === undefined) return relay?.workspace;
  return workspaceConfig(account!.metadata.namespace!, plan.plan);
}
