/** Reads what a decision about an account needs: caches, the open relay, and its Secrets by name. */
import { smtpAccount, specProblems, type relayApi } from '../../api/index.ts';
import type { OperatorContext } from '../../context.ts';
import type { Secret } from '../../kube/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import type { UsageBoard } from '../../usage/index.ts';
import { keyFor, refOf, type Key } from '../../runtime/index.ts';
import { choiceOf, planOf, planRelayOf } from './choices.ts';
import type { Keepsakes } from './keepsakes.ts';
import { matches } from './passwords.ts';
import type { Published } from './published.ts';
import { readFormer, readRollouts, readSecretState, readSource } from './reads.ts';
import type { AccountSnapshot, ChosenRelay } from './snapshot.ts';
import { lastUsesOf, usageOf } from './usage.ts';

export interface AccountMemory {
  /** Secrets that this process has just written: read once instead of asking the server again. */
  fresh: Map<Key, Secret>;
  /** Secrets from a backup, until the garbage collector can have no part in them. */
  inherited: Keepsakes;
  /** Accounts whose ended password a pod still accepted when it was tried last, in words. */
  undead: Map<Key, string>;
  usage: UsageBoard;
}

export async function observeAccount(
  context: OperatorContext,
  memory: AccountMemory,
  key: Key,
): Promise<AccountSnapshot> {
  const { caches, relays } = context;
  const { namespace } = refOf(key);
  const account = caches.accounts.get(key);
  const serving = [...relays.values()].filter((handle) => handle.shards.get('accounts', key) !== undefined);
  const checkMs = memory.inherited.has(key) ? NEW_OWNER_CHECK_MS : secretCheckMs(context);
  const base = emptySnapshot(key, caches.accounts.isSynced(namespace), checkMs);
  if (account === undefined || account.metadata.deletionTimestamp !== undefined) {
    memory.inherited.forget(key);
    return { ...base, elsewhere: serving.map((handle) => handle.key) };
  }
  const problems = specProblems(smtpAccount, account.spec);
  const choice = choiceOf(context, account, serving[0]?.key);
  const isRefused = !choice.found && choice.reason === 'RelayNotAllowed';
  if (!isRefused) for (const handle of serving) handle.removals.withdraw(key);
  const chosenKey = choice.found
    ? keyFor(choice.relay.metadata.namespace, choice.relay.metadata.name)
    : undefined;
  const handle = chosenKey === undefined ? undefined : relays.get(chosenKey);
  const elsewhere = serving.filter((other) => other !== handle).map((other) => other.key);
  const known = { ...base, account, problems, choice, elsewhere };
  if (problems.length > 0) return known;
  // Restored from a backup, perhaps: it is secured before there is a relay.
  const isWorthALook = account.status?.binding === undefined || memory.inherited.has(key);
  if (handle === undefined && !isWorthALook) return known;
  const present = await readSecretState(context, memory, key, account);
  const { secret } = present;
  if (handle === undefined) return { ...known, ...present };
  const relay = relayOf(context, handle, key, namespace);
  const former = await readFormer(context, account, secret);
  const published = secret.is === 'ours' ? secret.published : former;
  const figures = memory.usage.account(account.metadata.uid!);
  return {
    ...known,
    relay,
    plan: planOf(context, account, handle),
    planRelay: planRelayOf(context, account, handle),
    ...present,
    former,
    matched: await matchedVerifier(relay.entry, published),
    source: await readSource(context, account),
    rollouts: await readRollouts(context, account, published),
    undead: memory.undead.get(key),
    lastUsed: lastUsesOf(figures),
    usage: usageOf(figures, account.status?.usage, new Date()),
  };
}

/** Looks at Secrets must not add up: with many accounts each is looked at less often. */
function secretCheckMs({ caches, options }: OperatorContext): number {
  return Math.max(options.secretCheckMs, caches.accounts.size * MS_PER_LOOK);
}

/** While the garbage collector may still take a restored Secret. */
const NEW_OWNER_CHECK_MS = 5_000;
const MS_PER_LOOK = 20; // at most fifty looks a second

function emptySnapshot(key: Key, isListed: boolean, secretCheckMs: number): AccountSnapshot {
  return {
    key,
    account: undefined,
    isListed,
    problems: [],
    choice: undefined,
    relay: undefined,
    elsewhere: [],
    plan: undefined,
    planRelay: undefined,
    secret: { is: 'absent' },
    isInherited: false,
    isCollected: false,
    matched: -1,
    former: undefined,
    source: { is: 'unused' },
    rollouts: [],
    undead: undefined,
    lastUsed: new Map(),
    usage: undefined,
    secretCheckMs,
  };
}

function relayOf(context: OperatorContext, handle: RelayHandle, key: Key, namespace: string): ChosenRelay {
  const { shards, pods, facts } = handle;
  const placements = [shards.placementOf('accounts', key), shards.placementOf('workspaces', namespace)];
  const late = pods.serving.filter((link) => !placements.every((p) => link.hasApplied(p.shard, p.revision)));
  return {
    key: handle.key,
    name: refOf(handle.key).name,
    namespace: refOf(handle.key).namespace,
    facts,
    entry: shards.get('accounts', key),
    workspace: shards.get('workspaces', namespace),
    acknowledged: pods.serving.length === 0 ? 'none' : late.length === 0 ? 'yes' : 'late',
    latePods: late.map(({ view }) => view.name),
    domains: domainsOf(context, handle, namespace),
  };
}

/** Verified domains that the workspace may send from: its own first, then the oldest. */
function domainsOf({ caches }: OperatorContext, handle: RelayHandle, namespace: string): string[] {
  const usable: { config: relayApi.DomainConfig; at: string }[] = [];
  for (const [key, config] of handle.shards.entries('domains')) {
    if (!config.workspaces.includes(namespace)) continue;
    usable.push({ config, at: caches.domains.get(key)?.metadata.creationTimestamp ?? '' });
  }
  const rank = ({ config, at }: (typeof usable)[number]): string =>
    `${config.namespace === namespace ? 0 : 1}|${at}|${config.domain}`;
  return usable.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)).map(({ config }) => config.domain);
}

async function matchedVerifier(
  entry: relayApi.AccountConfig | undefined,
  published: Published | undefined,
): Promise<number> {
  if (entry === undefined || published === undefined || published.password === '') return -1;
  for (const [index, verifier] of entry.verifiers.entries()) {
    if (await matches(verifier, published.password)) return index;
  }
  return -1;
}
