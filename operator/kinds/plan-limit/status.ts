/** Status of a PlanLimit: what holds in its workspace, what is used of it, and whether it is enforced. Pure. */
import { specProblems, planLimit, type PlanLimit, type PlanLimitStatus } from '../../api/index.ts';
import type { ResourceQuota } from '../../kube/index.ts';
import { dayIn, effectivePlan, isTimeZone, type EffectivePlan } from '../../policy/index.ts';
import {
  condition,
  findCondition,
  isEqual,
  mergeConditions,
  timestampOf,
  type ConditionDraft,
  type Decision,
  type EventDraft,
} from '../../runtime/index.ts';
import { isWorthTelling, type WorkspaceFigures } from '../../usage/index.ts';
import { COUNT_ACCOUNTS, COUNT_DOMAINS, isCounting, usedOf, wantedQuota } from './quota.ts';
import * as Reason from './reasons.ts';

export interface PlanSnapshot {
  limit: PlanLimit | undefined;
  /** All of the workspace, this one included. */
  limits: readonly PlanLimit[];
  quota: ResourceQuota | undefined;
  /** A quota of the wanted name that is not ours. */
  isQuotaForeign: boolean;
  /** Oldest first. */
  accounts: readonly { metadata: { name: string } }[];
  domains: number;
  /** Relays whose pods have not taken the limits yet. */
  lateRelays: readonly string[];
  /** What a relay counted last; undefined: not known. */
  usage: WorkspaceFigures | undefined;
}

export type PlanDecision = Decision<never, PlanLimitStatus>;

export function decidePlan(snapshot: PlanSnapshot, now: Date): PlanDecision {
  const { limit } = snapshot;
  if (limit === undefined) return { rule: 'Gone', actions: [] };
  const plan = effectivePlan(snapshot.limits, undefined);
  const drafts = conditionsOf(snapshot, limit, plan);
  return {
    rule: drafts[0]?.reason ?? 'None',
    actions: [],
    status: statusOf(snapshot, limit, plan, drafts, now),
    events: eventsOf(limit, drafts),
  };
}

/** Ready first. */
function conditionsOf(snapshot: PlanSnapshot, limit: PlanLimit, plan: EffectivePlan): ConditionDraft[] {
  const quota = quotaCondition(snapshot);
  const relays = relayCondition(snapshot);
  const within = withinCondition(snapshot, plan);
  const ready = readyOf(limit, plan, [...(quota === undefined ? [] : [quota]), relays]);
  const isStalled = ready.status === 'False';
  return [
    ready,
    ...(quota === undefined ? [] : [quota]),
    relays,
    within,
    condition('Reconciling', ready.status === 'Unknown' ? 'True' : 'False', ready.reason, ready.message),
    condition('Stalled', isStalled ? 'True' : 'False', ready.reason, ready.message),
  ];
}

function readyOf(limit: PlanLimit, plan: EffectivePlan, steps: readonly ConditionDraft[]): ConditionDraft {
  const problems = specProblems(planLimit, limit.spec);
  if (problems.length > 0) {
    const message = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    return condition('Ready', 'False', Reason.INVALID, message);
  }
  const zone = limit.spec.timeZone ?? 'UTC';
  if (!isTimeZone(zone)) {
    const message = `spec.timeZone: there is no time zone ${zone}; limits hold in UTC: write an IANA name such as Europe/Berlin`;
    return condition('Ready', 'False', Reason.INVALID_ZONE, message);
  }
  const open = ['False', 'Unknown'].flatMap((status) => steps.filter((step) => step.status === status))[0];
  if (open !== undefined) return condition('Ready', open.status, open.reason, open.message);
  return condition('Ready', 'True', Reason.ENFORCED, `the workspace is held to ${sayPlan(plan)}`);
}

/** Undefined when there is nothing to count. */
function quotaCondition({ limits, limit, quota, isQuotaForeign }: PlanSnapshot): ConditionDraft | undefined {
  const wanted = wantedQuota(limit?.metadata.namespace ?? '', limits);
  if (wanted === undefined) return undefined;
  const type = 'QuotaCounting';
  const named = `ResourceQuota ${wanted.metadata.name}`;
  if (isQuotaForeign) {
    const message = `${named} exists and is not the operator's: rename or delete it`;
    return condition(type, 'False', Reason.QUOTA_FOREIGN, message);
  }
  const isRight = isEqual(quota?.spec?.hard, wanted.spec?.hard);
  return quota !== undefined && isRight && isCounting(quota)
    ? condition(type, 'True', Reason.COUNTING, `${named} counts`)
    : condition(type, 'Unknown', Reason.NOT_COUNTING, `${named} does not count yet`);
}

function relayCondition({ lateRelays }: PlanSnapshot): ConditionDraft {
  return lateRelays.length === 0
    ? condition('RelaySynced', 'True', Reason.SYNCED, 'every relay has the limits')
    : condition('RelaySynced', 'Unknown', Reason.RELAY_PENDING, `waits for ${lateRelays.join(', ')}`);
}

function withinCondition({ accounts }: PlanSnapshot, plan: EffectivePlan): ConditionDraft {
  const most = plan.maxAccounts ?? Infinity;
  return accounts.length <= most
    ? condition('WithinLimits', 'True', Reason.WITHIN, 'every account has service')
    : condition(
        'WithinLimits',
        'False',
        Reason.OVER,
        `${accounts.length} accounts exceed ${sayPlan(plan)}: the ${most} oldest have service; delete some or raise the plan`,
      );
}

/** `plan 10k (5 accounts, 10000 emails a month, 500 a day, 50 an hour)`. */
export function sayPlan(plan: EffectivePlan): string {
  const figures: [number | undefined, string][] = [
    [plan.maxAccounts, 'accounts'],
    [plan.maxDomains, 'domains'],
    [plan.perMonth, 'emails a month'],
    [plan.perDay, 'a day'],
    [plan.perHour, 'an hour'],
  ];
  const said = figures.flatMap(([figure, unit]) => (figure === undefined ? [] : [`${figure} ${unit}`]));
  return `plan ${plan.name} (${said.join(', ')})`;
}

function statusOf(
  snapshot: PlanSnapshot,
  limit: PlanLimit,
  plan: EffectivePlan,
  drafts: readonly ConditionDraft[],
  now: Date,
): PlanLimitStatus {
  const { generation } = limit.metadata;
  const { maxAccounts, maxDomains, perMonth, perDay, perHour } = plan;
  const { accounts, domains, quota } = snapshot;
  const emails = emailFigures(snapshot, limit.status, plan, now);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    hard: defined({ accounts: maxAccounts, domains: maxDomains, perMonth, perDay, perHour }),
    used: {
      accounts: usedOf(quota, COUNT_ACCOUNTS) ?? accounts.length,
      domains: usedOf(quota, COUNT_DOMAINS) ?? domains,
      ...emails.used,
    },
    ...(emails.period && { period: emails.period }),
    ...(maxAccounts === undefined ? {} : { accounts: servedAccounts(accounts, maxAccounts) }),
    ...(emails.asOf !== undefined && { asOf: emails.asOf }),
    conditions: mergeConditions(limit.status?.conditions, drafts, generation, now),
  };
}

interface EmailFigures {
  used: { perMonth?: number | undefined; perDay?: number | undefined; perHour?: number | undefined };
  period: PlanLimitStatus['period'];
  asOf: string | undefined;
}

/** What the relay counted, when it is news; else what was told last. */
function emailFigures(
  { usage }: PlanSnapshot,
  told: PlanLimitStatus | undefined,
  plan: EffectivePlan,
  now: Date,
): EmailFigures {
  const { perMonth, perDay, perHour } = told?.used ?? {};
  const before = { used: defined({ perMonth, perDay, perHour }), period: told?.period, asOf: told?.asOf };
  if (usage === undefined) return before;
  const { month, day, hour } = usage.workspace;
  const figures = [
    { used: month.used, quota: plan.perMonth },
    { used: day.used, quota: plan.perDay },
    { used: hour.used, quota: plan.perHour },
  ];
  const toldAt = told?.asOf === undefined ? undefined : new Date(told.asOf);
  if (!isWorthTelling([perMonth ?? 0, perDay ?? 0, perHour ?? 0], toldAt, figures, now)) return before;
  const zone = isTimeZone(plan.timeZone) ? plan.timeZone : 'UTC';
  const date = dayIn(zone, new Date(usage.asOf));
  return {
    used: { perMonth: month.used, perDay: day.used, perHour: hour.used },
    period: { month: date.slice(0, 7), day: date, timeZone: zone },
    asOf: timestampOf(new Date(usage.asOf)),
  };
}

/** Names of those that keep service. */
function servedAccounts(accounts: PlanSnapshot['accounts'], most: number): string[] {
  return accounts.slice(0, most).map(({ metadata }) => metadata.name);
}

function defined<T extends Record<string, number | undefined>>(figures: T): { [K in keyof T]?: number } {
  const entries = Object.entries(figures).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: number };
}

function eventsOf(limit: PlanLimit, drafts: readonly ConditionDraft[]): EventDraft[] {
  return drafts
    .filter(({ type, status }) => (type === 'Ready' && status !== 'Unknown') || type === 'WithinLimits')
    .filter(({ type, reason }) => {
      const before = findCondition(limit.status?.conditions, type);
      return before === undefined ? type === 'Ready' || reason === Reason.OVER : before.reason !== reason;
    })
    .map(({ status, reason, message }) => ({
      type: status === 'True' ? 'Normal' : 'Warning',
      reason,
      message,
    }));
}
