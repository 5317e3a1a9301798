/**
 * A new password, from drawing to publishing. The order is the promise: the relay knows it, every serving pod has
 * acknowledged it, a real login has succeeded on each, and only then does the Secret hold it. Interrupted anywhere,
 * the drawn password was never published, and what is published stays accepted (but for a reset).
 */
import { Secrets } from '../../kube/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { timestampOf, type ActionResult } from '../../runtime/index.ts';
import type { Mint, MintCause } from './actions.ts';
import { announce } from './announcement.ts';
import { secretOf, secretPatch, type Credentials } from './content.ts';
import { endpointOf } from './endpoint.ts';
import { endsFromPublication, entryOf } from './entry.ts';
import { ensureLimits } from './limits.ts';
import { drawPassword, drawUsername, makeVerifier } from './passwords.ts';
import { applied, proveAlive, proveDead } from './proof.ts';
import type { Retirement } from './retirement.ts';
import { writeSecret, type Performer } from './secret-writer.ts';
import type { AccountSnapshot } from './snapshot.ts';

/** What is published does not log in, or must not: no wait for others to share a write. */
const HARMFUL: ReadonlySet<MintCause> = new Set(['Reset', 'SecretDeleted', 'SecretEdited']);
/** Fewer accounts at a time are people, or tools that wait for what they have made. */
const CROWD = 16;

export async function mint(
  performer: Performer,
  handle: RelayHandle,
  order: Mint,
  snapshot: AccountSnapshot,
): Promise<ActionResult> {
  const { prover, context, retirement } = performer;
  const { key } = snapshot;
  const account = snapshot.account!;
  const username = claim(handle, order.username, key);
  const password = order.password ?? drawPassword();
  const verifier = await makeVerifier(password, order.revision, order.password !== undefined);
  const entry = entryOf(account, username, [verifier, ...order.keep], false);
  const isWave = performer.countBusy() >= CROWD;
  const isUrgent = HARMFUL.has(order.cause) || !isWave;
  const old = snapshot.secret.is === 'ours' ? snapshot.secret.published.password : undefined;
  const placements = await Promise.all([
    handle.shards.put('accounts', key, entry, { isUrgent }),
    ensureLimits(context.relays, handle, account.metadata.namespace!, order.workspace, { isUrgent }),
  ]);
  await applied(handle, placements);
  await Promise.all([
    proveAlive(prover, handle, { username, password }),
    order.cause === 'Reset' && old !== undefined && old !== password
      ? proveDead(prover, handle, { username, password: old })
      : undefined,
  ]);
  rememberOld(retirement, snapshot, username);
  if (order.password !== undefined) retirement.returns(key, order.password);
  const { revision, answered } = order;
  const publishedAt = new Date();
  const issuedAt = timestampOf(publishedAt);
  const before = snapshot.secret.is === 'ours' ? snapshot.secret.published.previous : [];
  const previous = endsFromPublication(account, order.previous, before, publishedAt);
  const follows = order.cause !== 'Created' && (account.spec.rolloutTargets ?? []).length > 0;
  const rollout = follows ? { revision, since: issuedAt } : undefined;
  const credentials = {
    username,
    password,
    revision,
    verifierId: verifier.id,
    issuedAt,
    answered,
    previous,
    rollout,
  };
  if (order.cause !== 'Created')
    context.log.info({ account: key, cause: order.cause, revision }, 'new password');
  const result = await publish(performer, snapshot, credentials);
  // Not there: somebody else changed the Secret meanwhile, and what is there now decides.
  const isPublished = performer.memory.fresh.has(key);
  if (isPublished) announce(performer, account, { cause: order.cause, revision, previous }, isWave);
  return result;
}

/** POST when there is no Secret, else exactly the version that was read. */
function publish(
  performer: Performer,
  snapshot: AccountSnapshot,
  credentials: Credentials,
): Promise<ActionResult> {
  const { client } = performer.context;
  const account = snapshot.account!;
  const wanted = secretOf(account, credentials, endpointOf(account, snapshot.relay!));
  if (snapshot.secret.is !== 'ours') {
    return writeSecret(performer, snapshot.key, () => client.create(Secrets, wanted));
  }
  const { secret, owned } = snapshot.secret.published;
  const patch = secretPatch(secret, wanted, owned) ?? {};
  return writeSecret(performer, snapshot.key, () => client.merge(Secrets, secret.metadata, patch));
}

/** What is published now ends later: then it must be refused. */
function rememberOld(
  retirement: Retirement,
  { key, secret, relay, matched }: AccountSnapshot,
  username: string,
): void {
  const verifier = relay?.entry?.verifiers[matched];
  if (secret.is !== 'ours' || verifier === undefined) return;
  const { password, revision } = secret.published;
  retirement.remember(key, { id: verifier.id, revision, username, password });
}

function claim(handle: RelayHandle, username: string | undefined, key: string): string {
  if (username !== undefined && handle.claimUsername(username, key)) return username;
  return drawUsername((name) => !handle.claimUsername(name, key));
}
