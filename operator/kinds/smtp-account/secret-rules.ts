/** Rules about the Secret that is there, or should be, and about the one that a password is brought in. Pure. */
import type { AccountAction } from './actions.ts';
import { secretOf, secretPatch, type Credentials } from './content.ts';
import { endpointOf } from './endpoint.ts';
import { unended } from './entry.ts';
import { progressing, unavailable, waiting, type AccountDecision, type Case } from './outcomes.ts';
import { isRestored, secretNameOf, type Published } from './published.ts';
import { REASONS } from './reasons.ts';

/** A Secret that is being collected goes within moments; one that somebody holds back is looked at ever more seldom. */
const GOING_MS = 100;
const LONGEST_GOING_MS = 15_000;
const SOURCE_MS = 2_000;

export function foreignSecret({ snapshot, account, now }: Case): AccountDecision | undefined {
  if (snapshot.secret.is !== 'foreign') return undefined;
  const name = secretNameOf(account);
  const message = `Secret ${name} exists and is not this account's (${snapshot.secret.why}): it is left as it is; delete it or set spec.secret.name`;
  return waiting(snapshot, now, { ready: 'False', reason: REASONS.secretConflict, message, step: 'secret' });
}

/** The Secret of the account that had this name before is about to be collected. */
export function goingSecret({ snapshot, account, now }: Case): AccountDecision | undefined {
  const { secret, isInherited } = snapshot;
  if (secret.is !== 'ours' || isInherited) return undefined;
  const message = `waits for Secret ${secretNameOf(account)} of the account that had this name before to be collected`;
  const decision = waiting(snapshot, now, {
    ready: 'Unknown',
    reason: REASONS.secretGoing,
    message,
    step: 'secret',
  });
  const waitedMs = now.getTime() - Date.parse(account.metadata.creationTimestamp ?? now.toISOString());
  return { ...decision, requeueAfterMs: Math.min(Math.max(GOING_MS, waitedMs / 10), LONGEST_GOING_MS) };
}

export function missingSource({ snapshot, now }: Case): AccountDecision | undefined {
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
export function unknownVerifier({ snapshot, relay, isSuspended, now }: Case): AccountDecision | undefined {
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

export function secretDiffers(one: Case): AccountDecision | undefined {
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
    adopted: isRestored(published) ? published.secret.metadata.uid : undefined,
    rollout: published.rollout,
  };
}
