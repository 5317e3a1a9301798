/** Entries of shard documents: where each lives, and documents as maps and back. */
import { relayApi } from '../api/index.ts';

type Shard = relayApi.Shard;

/** The lists of a shard document, and what they hold. */
export interface Entries {
  accounts: relayApi.AccountConfig;
  domains: relayApi.DomainConfig;
  workspaces: relayApi.WorkspaceConfig;
}
export type EntryKind = keyof Entries;

/** A document, its lists by key (`namespace/name`; workspaces: `namespace`). */
export interface ShardContent {
  settings: relayApi.RelaySettings | undefined;
  accounts: Map<string, relayApi.AccountConfig>;
  domains: Map<string, relayApi.DomainConfig>;
  workspaces: Map<string, relayApi.WorkspaceConfig>;
}

const PREFIX: Record<EntryKind, string> = { accounts: 'account', domains: 'domain', workspaces: 'workspace' };

/** Settings stand in this shard only. */
export const SETTINGS_SHARD = 0;

export function shardOf(kind: EntryKind, key: string): number {
  return relayApi.shardOf(`${PREFIX[kind]}/${key}`);
}

export function emptyContent(): ShardContent {
  return { settings: undefined, accounts: new Map(), domains: new Map(), workspaces: new Map() };
}

export function contentOf(shard: Shard): ShardContent {
  return {
    settings: shard.settings,
    accounts: new Map(shard.accounts.map((entry) => [`${entry.namespace}/${entry.name}`, entry])),
    domains: new Map(shard.domains.map((entry) => [`${entry.namespace}/${entry.name}`, entry])),
    workspaces: new Map(shard.workspaces.map((entry) => [entry.namespace, entry])),
  };
}

export function documentOf(content: ShardContent, head: Pick<Shard, 'relay' | 'shard' | 'revision'>): Shard {
  return {
    format: relayApi.SHARD_FORMAT,
    ...head,
    ...(content.settings === undefined ? {} : { settings: content.settings }),
    accounts: [...content.accounts.values()],
    domains: [...content.domains.values()],
    workspaces: [...content.workspaces.values()],
  };
}

/** Copies the maps, not the entries: entries are never changed in place. */
export function copyOf(content: ShardContent): ShardContent {
  return {
    settings: content.settings,
    accounts: new Map(content.accounts),
    domains: new Map(content.domains),
    workspaces: new Map(content.workspaces),
  };
}

/** One change: put an entry, or remove it with undefined. */
export type Mutation =
  | { kind: EntryKind; key: string; value: Entries[EntryKind] | undefined }
  | { kind: 'settings'; key: ''; value: relayApi.RelaySettings };

export function mutate(content: ShardContent, mutation: Mutation): void {
  if (mutation.kind === 'settings') {
    content.settings = mutation.value;
    return;
  }
  const list = content[mutation.kind] as Map<string, Entries[EntryKind]>;
  if (mutation.value === undefined) list.delete(mutation.key);
  else list.set(mutation.key, mutation.value);
}

export function presentValue(content: ShardContent, kind: Mutation['kind'], key: string): unknown {
  return kind === 'settings' ? content.settings : content[kind].get(key);
}
