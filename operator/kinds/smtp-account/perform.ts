/** Does what was decided about an account. Every step may be interrupted and done again. */
import type { OperatorContext } from '../../context.ts';
import {
  DaemonSets,
  Deployments,
  isKubeError,
  Secrets,
  SmtpAccounts,
  StatefulSets,
  type AnyObject,
} from '../../kube/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { confirmAbsence, refOf, type ActionResult, type Key } from '../../runtime/index.ts';
import type { AccountAction } from './actions.ts';
import { entryOf } from './entry.ts';
import { ensureLimits } from './limits.ts';
import { mint } from './mint.ts';
import { drawUsername, makeVerifier } from './passwords.ts';
import { applied, proveAlive } from './proof.ts';
import { ANNOTATIONS, secretNameOf, type Published } from './published.ts';
import { writeSecret, type Performer } from './secret-writer.ts';
import type { RestartTarget } from './rollout.ts';
import type { AccountSnapshot } from './snapshot.ts';

export async function perform(
  performer: Performer,
  action: AccountAction,
  snapshot: AccountSnapshot,
): Promise<ActionResult> {
  const { context } = performer;
  switch (action.do) {
    case 'remove':
      return remove(context, action, snapshot);
    case 'drop':
    case 'leave':
      await context.relays.get(action.relay)?.removeAccount(action.key);
      return action.do === 'drop' ? 'observe' : 'done';
    case 'mint':
      return mint(performer, handleOf(context, snapshot), action, snapshot);
    case 'adopt':
      return adopt(performer, handleOf(context, snapshot), action.published, action.isSuspended, snapshot);
    case 'sync':
      return sync(performer, handleOf(context, snapshot), snapshot, action);
    case 'await':
      await applied(handleOf(context, snapshot), placementsOf(handleOf(context, snapshot), snapshot.key));
      return 'observe';
    case 'own':
      performer.memory.inherited.keep(snapshot.key, action.secret);
      return writeSecret(performer, snapshot.key, () =>
        context.client.merge(Secrets, action.secret.metadata, action.patch),
      );
    case 'create':
      return writeSecret(performer, snapshot.key, () => context.client.create(Secrets, action.secret));
    case 'patch': {
      const ref = { namespace: snapshot.account!.metadata.namespace, name: secretNameOf(snapshot.account!) };
      return writeSecret(performer, snapshot.key, () => context.client.merge(Secrets, ref, action.patch));
    }
    case 'delete-former': {
      const { metadata } = action.published.secret;
      await context.client.remove(Secrets, metadata, { uid: metadata.uid });
      return 'done';
    }
    case 'restart':
      await Promise.all(action.targets.map((target) => restart(context, snapshot, target)));
      return 'done';
  }
}

function handleOf({ relays }: OperatorContext, snapshot: AccountSnapshot): RelayHandle {
  const handle = relays.get(snapshot.relay!.key);
  if (handle === undefined) throw new Error(`SmtpRelay ${snapshot.relay!.key} was closed meanwhile`);
  return handle;
}

/** A namespace that is going takes its accounts along: that is certain, and never held. */
async function remove(
  { client, relays, caches }: OperatorContext,
  { relay, key }: AccountAction & { do: 'remove' },
  { account }: AccountSnapshot,
): Promise<ActionResult> {
  const handle = relays.get(relay);
  if (handle === undefined) return 'done';
  // One that is there is removed because its relay no longer admits it.
  if (account === undefined)
    await confirmAbsence(client, SmtpAccounts, key, handle.shards.get('accounts', key)?.id);
  const { namespace } = refOf(key);
  const home = caches.namespaces.get(namespace);
  const isCertain =
    caches.namespaces.isSynced() && (home === undefined || home.metadata.deletionTimestamp !== undefined);
  await handle.removals.submit(key, isCertain);
  return 'done';
}

async function sync(
  { context, retirement }: Performer,
  handle: RelayHandle,
  { key, relay }: AccountSnapshot,
  action: AccountAction & { do: 'sync' },
): Promise<ActionResult> {
  const { namespace } = action.entry;
  const { isUrgent } = action;
  const placements = await Promise.all([
    handle.shards.put('accounts', key, action.entry, { isUrgent }),
    ensureLimits(context.relays, handle, namespace, action.workspace, { isUrgent }),
  ]);
  await applied(handle, placements);
  const ended = (relay?.entry?.verifiers ?? []).map(({ id }) => id);
  const standing = new Set(action.entry.verifiers.map(({ id }) => id));
  retirement.retired(
    key,
    ended.filter((id) => !standing.has(id)),
    handle,
  );
  return 'observe';
}

async function adopt(
  { prover, context }: Performer,
  handle: RelayHandle,
  published: Published,
  isSuspended: boolean,
  { account, key }: AccountSnapshot,
): Promise<ActionResult> {
  const { password } = published;
  const isFree = published.username !== '' && handle.claimUsername(published.username, key);
  const username = isFree ? published.username : drawUsername((name) => !handle.claimUsername(name, key));
  const verifier = await makeVerifier(
    password,
    Math.max(1, published.revision),
    account!.spec.passwordFrom !== undefined,
  );
  const entry = entryOf(account!, username, [verifier], isSuspended);
  const placement = await handle.shards.put('accounts', key, entry, { isUrgent: true });
  await applied(handle, [placement]);
  if (!isSuspended) await proveAlive(prover, handle, { username, password });
  context.log.info({ account: key, username }, 'took over the password in the Secret');
  return 'observe';
}

function placementsOf(handle: RelayHandle, key: Key) {
  return [
    handle.shards.placementOf('accounts', key),
    handle.shards.placementOf('workspaces', refOf(key).namespace),
  ];
}

const WORKLOADS = {
  Deployment: Deployments,
  StatefulSet: StatefulSets,
  DaemonSet: DaemonSets,
};

/** As `kubectl rollout restart` does it, by an annotation that names the password's revision. */
async function restart(
  { client, events }: OperatorContext,
  snapshot: AccountSnapshot,
  target: RestartTarget,
): Promise<void> {
  const account = snapshot.account!;
  const revision = snapshot.secret.is === 'ours' ? snapshot.secret.published.revision : 0;
  const annotations = { [ANNOTATIONS.revision]: String(revision) };
  const patch = { spec: { template: { metadata: { annotations } } } };
  const ref = { namespace: account.metadata.namespace, name: target.name };
  try {
    await client.merge<AnyObject>(WORKLOADS[target.kind], ref, patch);
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
  const message = `restarted ${target.kind} ${target.name} for revision ${revision}`;
  events.record(SmtpAccounts, account, { type: 'Normal', reason: 'Restarted', message });
}
