/** The SmtpAccount controller: which changes concern which accounts, and the wiring of observe, decide and perform. */
import type { SmtpAccount, SmtpAccountStatus } from '../../api/index.ts';
import { BY_NAMESPACE, BY_RELAY } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import { SmtpAccounts, type AnyObject } from '../../kube/index.ts';
import { LoginProver } from '../../login/index.ts';
import type { UsageBoard } from '../../usage/index.ts';
import type { RelayChange } from '../../projection/index.ts';
import {
  isEqual,
  isOnlyStatus,
  keyOf,
  prepareController,
  watchOwn,
  watchWith,
  type Key,
  type PreparedController,
} from '../../runtime/index.ts';
import type { AccountAction } from './actions.ts';
import { choiceOf } from './choices.ts';
import { decideAccount } from './decide.ts';
import { statusAfterError } from './failure.ts';
import { observeAccount } from './observe.ts';
import { Keepsakes } from './keepsakes.ts';
import { perform } from './perform.ts';
import { Retirement } from './retirement.ts';
import type { Performer } from './secret-writer.ts';
import type { AccountSnapshot } from './snapshot.ts';
import { usageOf } from './usage.ts';
import { Waiters } from './waiters.ts';

/**
 * Reconciles mostly wait for shard writes and logins that they share: many at once cost little. Of a wave as many must
 * be under way as fill all shards: with fewer the shards wait for company that only these writes would let in.
 */
const CONCURRENCY = 512;

export function createAccountController(context: OperatorContext, usage: UsageBoard): PreparedController {
  const { caches } = context;
  const performer: Performer = {
    ...createPerformer(context, usage, (key) => prepared.queue.add(key)),
    countBusy: () => prepared.queue.busy,
  };
  const waiters = new Waiters();
  const inNamespace = (namespace: string | undefined): Key[] =>
    caches.accounts.byIndex(BY_NAMESPACE, namespace ?? '').map(keyOf);
  const prepared = prepareController<SmtpAccount, AccountSnapshot, AccountAction, SmtpAccountStatus>({
    name: 'smtpaccount',
    concurrency: CONCURRENCY,
    informer: caches.accounts,
    watches: [
      watchOwn(caches.accounts),
      // Whose relay the others of its workspace must use may have changed.
      watchWith(caches.accounts, ({ object, previous }) =>
        previous !== undefined && !isEqual(object.spec.relayRef, previous.spec.relayRef)
          ? inNamespace(object.metadata.namespace)
          : [],
      ),
      // A slot of the plan, or the name of a Secret, has become free.
      watchWith(caches.accounts, ({ type, object }) =>
        type === 'Removed' ? waiters.take('slot', object.metadata.namespace!) : [],
      ),
      watchWith(caches.relays, (change) =>
        isOnlyStatus(change) ? [] : [...waiters.take('relay', ''), ...onRelay(context, keyOf(change.object))],
      ),
      watchWith(caches.namespaces, (change) =>
        isOnlyStatus(change) ? [] : inNamespace(change.object.metadata.name),
      ),
      watchWith(caches.plans, (change) =>
        isOnlyStatus(change) ? [] : inNamespace(change.object.metadata.namespace),
      ),
      watchWith(caches.domains, ({ object }) => domainUsers(context, object, inNamespace)),
    ],
    observe: async (key) => {
      const snapshot = await observeAccount(context, performer.memory, key);
      waiters.note(snapshot);
      return snapshot;
    },
    objectOf: ({ account }) => account,
    decide: decideAccount,
    apply: (action, snapshot) => perform(performer, action, snapshot),
    statusAfterError,
  });
  context.relays.onChange((relay, change) => {
    for (const key of concernedBy(context, waiters, relay, change)) prepared.queue.add(key, 'later');
  });
  context.relays.onDomains((workspaces) => {
    for (const key of workspaces.flatMap(inNamespace)) prepared.queue.add(key);
  });
  usage.onRound(() => {
    const now = new Date();
    for (const account of caches.accounts.values()) {
      const told = account.status?.usage;
      if (usageOf(usage.account(account.metadata.uid!), told, now) !== told)
        prepared.queue.add(keyOf(account), 'later');
    }
  });
  return prepared;
}

function createPerformer(
  context: OperatorContext,
  usage: UsageBoard,
  look: (key: Key) => void,
): Omit<Performer, 'countBusy'> {
  const { caches, events, log } = context;
  const memory: Performer['memory'] = {
    fresh: new Map(),
    inherited: new Keepsakes(),
    undead: new Map(),
    usage,
  };
  const prover = new LoginProver();
  const retirement = new Retirement({
    prover,
    log,
    onResult: (key, { revision }, result) => {
      const account = caches.accounts.get(key);
      if (account === undefined) return;
      if (result.is === 'refused') {
        const message = `the password of revision ${revision} has ended: every pod refuses it`;
        events.record(SmtpAccounts, account, { type: 'Normal', reason: 'OldPasswordRefused', message });
        if (!memory.undead.delete(key)) return;
      } else {
        const message = `the password of revision ${revision} has ended, but ${result.message}`;
        log.error({ account: key, revision }, 'an ended password was accepted');
        memory.undead.set(key, message);
      }
      look(key);
    },
  });
  return { context, memory, prover, retirement };
}

function concernedBy(context: OperatorContext, waiters: Waiters, relay: Key, change: RelayChange): Key[] {
  switch (change) {
    case 'opened': {
      // Entries whose account vanished while nobody looked, and accounts that wait for this relay.
      const known = [...(context.relays.get(relay)?.shards.entries('accounts') ?? [])].map(([key]) => key);
      return [...new Set([...known, ...onRelay(context, relay)])];
    }
    case 'facts':
    case 'closed':
      return onRelay(context, relay);
    case 'pods':
      return (context.relays.get(relay)?.pods.serving.length ?? 0) > 0 ? waiters.take('pods', relay) : [];
    case 'progress':
      return [];
  }
}

/** Accounts that this relay serves or would serve. */
function onRelay(context: OperatorContext, relay: Key): Key[] {
  const served = new Set(context.caches.accounts.byIndex(BY_RELAY, relay).map(keyOf));
  for (const account of context.caches.accounts.values()) {
    if (account.status?.relayRef !== undefined) continue;
    const choice = choiceOf(context, account, undefined);
    if (choice.found && keyOf(choice.relay) === relay) served.add(keyOf(account));
  }
  return [...served];
}

/** Accounts of the workspaces that may send from a domain, now or before. */
function domainUsers(
  { relays }: OperatorContext,
  domain: AnyObject,
  inNamespace: (namespace: string | undefined) => Key[],
): Key[] {
  const workspaces = new Set<string | undefined>([domain.metadata.namespace]);
  for (const handle of relays.values()) {
    for (const name of handle.shards.get('domains', keyOf(domain))?.workspaces ?? []) workspaces.add(name);
  }
  return [...workspaces].flatMap(inNamespace);
}
