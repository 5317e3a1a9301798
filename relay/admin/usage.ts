/** Quota and use of accounts and workspaces, now. */
import type { relayApi } from '@migosmtp/operator/api';
import {
  type Account,
  type Calendar,
  chargeScopes,
  type ChargeScope,
  type Directory,
  workspaceKey,
  workspaceScope,
} from '../policy/index.ts';
import type { CountQuery, LoginUse, Spool } from '../spool/index.ts';

export interface UsageSources {
  readonly directory: Directory;
  readonly calendar: Calendar;
  readonly spool: Spool;
  /** Including what is not stored yet. */
  lastLogins(): Promise<readonly LoginUse[]>;
}

export async function readUsage(
  sources: UsageSources,
  filter: { namespace?: string | undefined; account?: string | undefined },
): Promise<relayApi.UsageResponse> {
  const { directory, calendar } = sources;
  const nowMs = Date.now();
  const accounts = [...directory.accounts()].filter(
    (account) =>
      (filter.namespace === undefined || account.namespace === filter.namespace) &&
      (filter.account === undefined || account.name === filter.account),
  );
  const namespaces = workspacesOf(accounts, directory, filter);
  const time = { calendar, nowMs };
  const counts = await countAll(sources.spool, [
    ...accounts.map((account) => accountScope(account, directory, time)),
    ...namespaces.map((namespace) => workspaceScope(namespace, directory.workspace(namespace), time)),
  ]);
  const logins = Map.groupBy(await sources.lastLogins(), (use) => use.accountId);
  return {
    asOf: new Date(nowMs).toISOString(),
    accounts: accounts.map((account) =>
      accountUsage(account, counts(accountScope(account, directory, time)), logins.get(account.id) ?? []),
    ),
    workspaces: namespaces.map((namespace) => {
      const workspace = directory.workspace(namespace);
      const { hour, day, month, held } = counts(workspaceScope(namespace, workspace, time));
      return { namespace, plan: workspace?.plan ?? null, hour, day, month, held };
    }),
  };
}

/** Also those without accounts: what they sent before still counts. */
function workspacesOf(
  accounts: readonly Account[],
  directory: Directory,
  filter: { namespace?: string | undefined; account?: string | undefined },
): string[] {
  const listed = filter.account === undefined ? [...directory.workspaces()] : [];
  const found = [...accounts, ...listed].map(({ namespace }) => namespace);
  return [...new Set(found)].filter((namespace) => (filter.namespace ?? namespace) === namespace);
}

type Time = { readonly calendar: Calendar; readonly nowMs: number };

function accountScope(account: Account, directory: Directory, time: Time): ChargeScope {
  const [scope] = chargeScopes(account, directory.workspace(account.namespace), time);
  if (!scope) throw new Error('an account has a scope');
  return scope;
}

type Windows = Record<'minute' | 'hour' | 'day' | 'month', relayApi.AccountUsage['hour']> & { held: number };

/** Asks for all counters at once; answers a reader of single scopes. */
async function countAll(
  spool: Spool,
  scopes: readonly ChargeScope[],
): Promise<(scope: ChargeScope) => Windows> {
  const queries: CountQuery[] = scopes.flatMap(({ key, windows }) => [
    ...windows.map(({ kind, startMs }) => ({ key, kind, startMs })),
    ...(key.startsWith(workspaceKey('')) ? [{ key, kind: 'held', startMs: 0 }] : []),
  ]);
  const values = await spool.counts(queries);
  const found = new Map(queries.map(({ key, kind }, i) => [`${kind} ${key}`, values[i] ?? 0]));
  return (scope) => {
    const windows = scope.windows.map(({ kind, startMs, limit }) => [
      kind,
      { quota: limit, used: found.get(`${kind} ${scope.key}`) ?? 0, since: new Date(startMs).toISOString() },
    ]);
    return { ...Object.fromEntries(windows), held: found.get(`held ${scope.key}`) ?? 0 } as Windows;
  };
}

function accountUsage(
  account: Account,
  windows: Windows,
  logins: readonly LoginUse[],
): relayApi.AccountUsage {
  const last = Math.max(...logins.map((use) => use.at));
  return {
    id: account.id,
    namespace: account.namespace,
    name: account.name,
    username: account.username,
    minute: windows.minute,
    hour: windows.hour,
    day: windows.day,
    month: windows.month,
    lastUsedAt: Number.isFinite(last) ? new Date(last).toISOString() : null,
    verifiers: logins.map(({ verifier, at }) => ({ id: verifier, lastUsedAt: new Date(at).toISOString() })),
  };
}
