/** What a workspace may have: its PlanLimits put together, the tightest figure of each kind winning. */
import { PLANS, type PlanLimit, type PlanName, type relayApi } from '../api/index.ts';
import { isTimeZone } from './time-zone.ts';

export interface EffectivePlan {
  /** Shown in messages: `10k`, or the PlanLimit's name where figures were set by hand. */
  name: string | undefined;
  /** Where it comes from, for conditions. */
  source: 'PlanLimit' | 'DefaultPlan' | 'Unlimited';
  maxAccounts: number | undefined;
  maxDomains: number | undefined;
  perMonth: number | undefined;
  perDay: number | undefined;
  perHour: number | undefined;
  maxHeld: number | undefined;
  timeZone: string;
  onWindowLimit: 'Queue' | 'Reject';
  onMonthLimit: 'Queue' | 'Reject';
}

const UNLIMITED: EffectivePlan = {
  name: undefined,
  source: 'Unlimited',
  maxAccounts: undefined,
  maxDomains: undefined,
  perMonth: undefined,
  perDay: undefined,
  perHour: undefined,
  maxHeld: undefined,
  timeZone: 'UTC',
  onWindowLimit: 'Queue',
  onMonthLimit: 'Reject',
};

/** The plan of a workspace. Several PlanLimits: least figure of each, Reject before Queue, zone of the oldest. */
export function effectivePlan(
  limits: readonly PlanLimit[],
  defaultPlan: PlanName | undefined,
): EffectivePlan {
  const ordered = [...limits].filter(isAlive).sort(byAge).map(planOf);
  const [first, ...others] = ordered;
  if (first !== undefined) return others.reduce(tightest, first);
  if (defaultPlan === undefined) return UNLIMITED;
  return { ...UNLIMITED, ...PLANS[defaultPlan], name: defaultPlan, source: 'DefaultPlan' };
}

/** One PlanLimit: the plan's figures, each replaced by one set by hand. */
export function planOf(limit: PlanLimit): EffectivePlan {
  const { plan, emails, maxAccounts, maxDomains, timeZone, onWindowLimit, onMonthLimit } = limit.spec;
  const base = plan === undefined ? undefined : PLANS[plan];
  return {
    name: plan ?? limit.metadata.name,
    source: 'PlanLimit',
    maxAccounts: maxAccounts ?? base?.maxAccounts,
    maxDomains,
    perMonth: emails?.perMonth ?? base?.perMonth,
    perDay: emails?.perDay ?? base?.perDay,
    perHour: emails?.perHour ?? base?.perHour,
    maxHeld: emails?.maxHeld,
    timeZone: timeZone ?? 'UTC',
    onWindowLimit: onWindowLimit ?? 'Queue',
    onMonthLimit: onMonthLimit ?? 'Reject',
  };
}

/** Oldest first, by creation and then name: the order in which accounts keep service. */
export function byAge(a: Aged, b: Aged): number {
  const left = a.metadata.creationTimestamp ?? '';
  const right = b.metadata.creationTimestamp ?? '';
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name === b.metadata.name ? 0 : 1;
}

export interface Aged {
  metadata: { name: string; creationTimestamp?: string; deletionTimestamp?: string };
}

/** The oldest of these that has a relay, and that relay: what the others of its workspace must use under a plan. */
export function firstWithRelay<T extends Aged, R>(
  oldestFirst: Iterable<T>,
  relayOf: (one: T) => R | undefined,
): { account: T; relay: R } | undefined {
  for (const account of oldestFirst) {
    if (account.metadata.deletionTimestamp !== undefined) continue;
    const relay = relayOf(account);
    if (relay !== undefined) return { account, relay };
  }
  return undefined;
}

/** The limits as a relay enforces them; undefined when the workspace has none. */
export function workspaceConfig(
  namespace: string,
  plan: EffectivePlan,
): relayApi.WorkspaceConfig | undefined {
  const { name, perMonth, perDay, perHour, maxHeld } = plan;
  if (perMonth === undefined && perDay === undefined && perHour === undefined) return undefined;
  return {
    namespace,
    ...(name === undefined ? {} : { plan: name }),
    ...(perMonth === undefined ? {} : { perMonth }),
    ...(perDay === undefined ? {} : { perDay }),
    ...(perHour === undefined ? {} : { perHour }),
    ...(maxHeld === undefined ? {} : { maxHeld }),
    // A zone that does not exist would stop a relay: limits then hold in UTC, and the PlanLimit's status says so.
    timeZone: isTimeZone(plan.timeZone) ? plan.timeZone : 'UTC',
    onWindowLimit: plan.onWindowLimit,
    onMonthLimit: plan.onMonthLimit,
  };
}

function isAlive(limit: PlanLimit): boolean {
  return limit.metadata.deletionTimestamp === undefined;
}

function tightest(a: EffectivePlan, b: EffectivePlan): EffectivePlan {
  return {
    name: isTighter(b, a) ? b.name : a.name,
    source: 'PlanLimit',
    maxAccounts: least(a.maxAccounts, b.maxAccounts),
    maxDomains: least(a.maxDomains, b.maxDomains),
    perMonth: least(a.perMonth, b.perMonth),
    perDay: least(a.perDay, b.perDay),
    perHour: least(a.perHour, b.perHour),
    maxHeld: least(a.maxHeld, b.maxHeld),
    timeZone: a.timeZone,
    onWindowLimit: a.onWindowLimit === 'Reject' ? 'Reject' : b.onWindowLimit,
    onMonthLimit: a.onMonthLimit === 'Reject' ? 'Reject' : b.onMonthLimit,
  };
}

/** By the month, else by accounts: whose name is shown. */
function isTighter(a: EffectivePlan, b: EffectivePlan): boolean {
  const left = a.perMonth ?? Infinity;
  const right = b.perMonth ?? Infinity;
  return left === right ? (a.maxAccounts ?? Infinity) < (b.maxAccounts ?? Infinity) : left < right;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
