/** What an accepted message costs, and whether the account and its workspace can still pay for it. */
import type { Account, Workspace } from './directory.ts';
import type { Calendar, WindowKind } from './windows.ts';

type Overflow = 'Queue' | 'Reject';

/** One limited (or merely counted) calendar window. `limit` null: counted for usage only. */
export interface ChargeWindow {
  readonly kind: WindowKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly limit: number | null;
  readonly overflow: Overflow;
}

/** Whose counters are charged. `key` names them in the store: `a:<account id>` or `w:<namespace>`. */
export interface ChargeScope {
  readonly key: string;
  readonly label: string;
  /** Longest first: the refusal names the window that opens last. */
  readonly windows: readonly ChargeWindow[];
  readonly heldCap: number | null;
}

/** The counters as they stand inside the transaction that decides. */
export interface Counts {
  used(key: string, kind: WindowKind, startMs: number): number;
  held(key: string): number;
}

export interface Refusal {
  readonly kind: 'refuse';
  readonly label: string;
  readonly window: WindowKind;
  readonly limit: number;
  readonly retryAtMs: number;
}

export type ChargeDecision =
  | { readonly kind: 'send' }
  /** `chargeMonth`: the month pays at once; false where the month itself overflowed into the queue. */
  | { readonly kind: 'hold'; readonly chargeMonth: boolean }
  | Refusal;

/** The scopes that a message of this account is charged to, now. */
export function chargeScopes(
  account: Account,
  workspace: Workspace | undefined,
  time: { readonly calendar: Calendar; readonly nowMs: number },
): ChargeScope[] {
  return [
    accountScope(account, workspace?.timeZone, time),
    workspaceScope(account.namespace, workspace, time),
  ];
}

export function accountKey(id: string): string {
  return `a:${id}`;
}

export function workspaceKey(namespace: string): string {
  return `w:${namespace}`;
}

type Time = { readonly calendar: Calendar; readonly nowMs: number };

function accountScope(account: Account, timeZone: string | undefined, time: Time): ChargeScope {
  const { limits } = account;
  const overflow = limits.onWindowLimit;
  const window = windowOf(time, timeZone);
  return {
    key: accountKey(account.id),
    label: 'account',
    windows: [
      window('month', limits.perMonth, 'Reject'),
      window('day', limits.perDay, overflow),
      window('hour', limits.perHour, overflow),
      window('minute', limits.perMinute, overflow),
    ],
    heldCap: limits.perDay ?? times(limits.perHour, 24) ?? times(limits.perMinute, 1440),
  };
}

/** Also without a plan: its counters answer how much the workspace sent. */
export function workspaceScope(namespace: string, workspace: Workspace | undefined, time: Time): ChargeScope {
  const window = windowOf(time, workspace?.timeZone);
  const overflow = workspace?.onWindowLimit ?? 'Queue';
  return {
    key: workspaceKey(namespace),
    label: workspace?.plan ? `plan ${workspace.plan}` : 'workspace',
    windows: [
      window('month', workspace?.perMonth, workspace?.onMonthLimit ?? 'Reject'),
      window('day', workspace?.perDay, overflow),
      window('hour', workspace?.perHour, overflow),
    ],
    heldCap:
      workspace?.maxHeld ?? workspace?.perDay ?? times(workspace?.perHour, 24) ?? workspace?.perMonth ?? null,
  };
}

function windowOf(time: Time, timeZone: string | undefined) {
  return (kind: WindowKind, limit: number | undefined, overflow: Overflow): ChargeWindow => ({
    kind,
    ...time.calendar.window(kind, time.nowMs, timeZone),
    limit: limit ?? null,
    overflow,
  });
}

function times(value: number | undefined, factor: number): number | null {
  return value === undefined ? null : value * factor;
}

/** All `count` recipients or none. Called again inside the store's transaction, where `counts` is exact. */
export function decideCharge(scopes: readonly ChargeScope[], count: number, counts: Counts): ChargeDecision {
  const over = overflowing(scopes, count, counts);
  const refused = over.find(({ window }) => window.overflow === 'Reject');
  if (refused) return refusal(refused);
  const full = over.find(
    ({ scope }) => scope.heldCap !== null && counts.held(scope.key) + count > scope.heldCap,
  );
  if (full) return refusal(full);
  if (over.length === 0) return { kind: 'send' };
  return { kind: 'hold', chargeMonth: !over.some(({ window }) => window.kind === 'month') };
}

/** Whether one held recipient may go now; a month that was paid at acceptance is not asked again. */
export function mayRelease(scopes: readonly ChargeScope[], monthCharged: boolean, counts: Counts): boolean {
  return overflowing(scopes, 1, counts).every(({ window }) => window.kind === 'month' && monthCharged);
}

interface Over {
  readonly scope: ChargeScope;
  readonly window: ChargeWindow;
  readonly limit: number;
}

function overflowing(scopes: readonly ChargeScope[], count: number, counts: Counts): Over[] {
  const over: Over[] = [];
  for (const scope of scopes) {
    for (const window of scope.windows) {
      if (window.limit === null) continue;
      if (counts.used(scope.key, window.kind, window.startMs) + count > window.limit) {
        over.push({ scope, window, limit: window.limit });
      }
    }
  }
  return over;
}

function refusal({ scope, window, limit }: Over): Refusal {
  return { kind: 'refuse', label: scope.label, window: window.kind, limit, retryAtMs: window.endMs };
}

/** The SMTP reply of a refusal: the month refuses for good, shorter windows for a while. */
export function refusalReply(refusal: Refusal): { code: number; enhanced: string; text: string } {
  const time = new Date(refusal.retryAtMs).toISOString().replace('.000Z', 'Z');
  const text = `${refusal.label} limit of ${refusal.limit} per ${refusal.window} reached, try again after ${time}`;
  return refusal.window === 'month'
    ? { code: 550, enhanced: '5.7.1', text }
    : { code: 451, enhanced: '4.7.1', text };
}
