/** The one ResourceQuota of a workspace: what it must hold, and whether it counts. Pure. */
import {
  API_VERSION,
  GROUP,
  quantityBytes,
  smtpAccount,
  verifiedDomain,
  type PlanLimit,
} from '../../api/index.ts';
import { PLAN_LABEL } from '../../caches.ts';
import type { ResourceQuota } from '../../kube/index.ts';
import { byAge, effectivePlan, planOf } from '../../policy/index.ts';

export const COUNT_ACCOUNTS = `count/${smtpAccount.plural}.${GROUP}`;
export const COUNT_DOMAINS = `count/${verifiedDomain.plural}.${GROUP}`;

/**
 * Undefined when nothing is to be counted. The API server's refusal names the quota (`exceeded quota:
 * migosmtp-plan-10k, requested: ..., used: ..., limited: ...`), so it is named after the plan that binds.
 */
export function wantedQuota(namespace: string, limits: readonly PlanLimit[]): ResourceQuota | undefined {
  const { maxAccounts, maxDomains } = effectivePlan(limits, undefined);
  if (maxAccounts === undefined && maxDomains === undefined) return undefined;
  const plan = bindingPlan(limits);
  return {
    metadata: {
      name: `migosmtp-plan-${plan}`,
      namespace,
      labels: { [PLAN_LABEL]: labelValue(plan), 'app.kubernetes.io/managed-by': 'migosmtp-operator' },
      // Gone when the last of them is, also while no operator runs.
      ownerReferences: limits.toSorted(byAge).map(({ metadata }) => ({
        apiVersion: API_VERSION,
        kind: 'PlanLimit',
        name: metadata.name,
        uid: metadata.uid!,
        blockOwnerDeletion: false,
      })),
    },
    spec: {
      hard: {
        ...(maxAccounts === undefined ? {} : { [COUNT_ACCOUNTS]: countText(maxAccounts) }),
        ...(maxDomains === undefined ? {} : { [COUNT_DOMAINS]: countText(maxDomains) }),
      },
    },
  };
}

/** As the API server stores it: 1000 is `1k` there, and in another form it would count as changed for ever. */
function countText(count: number): string {
  const units = ['', 'k', 'M', 'G'];
  let unit = 0;
  for (; count > 0 && count % 1000 === 0 && unit < units.length - 1; unit++) count /= 1000;
  return `${count}${units[unit]}`;
}

/** Name of the plan with the least accounts, the oldest of several: the one that a refusal is about. */
function bindingPlan(limits: readonly PlanLimit[]): string {
  const most = (limit: PlanLimit): number => planOf(limit).maxAccounts ?? Infinity;
  const [binding] = limits.toSorted((a, b) => most(a) - most(b) || byAge(a, b));
  return binding === undefined ? 'none' : (planOf(binding).name ?? binding.metadata.name);
}

/** Label values are shorter than names. */
function labelValue(plan: string): string {
  return plan.slice(0, 63).replace(/[-.]+$/, '');
}

/** Whether admission counts by this quota: the quota controller has taken its figures up and knows what is used. */
export function isCounting(quota: ResourceQuota): boolean {
  const { hard = {} } = quota.spec ?? {};
  return Object.entries(hard).every(
    ([name, figure]) => quota.status?.hard?.[name] === figure && quota.status.used?.[name] !== undefined,
  );
}

/** What the quota counted, when it counts this. */
export function usedOf(quota: ResourceQuota | undefined, name: string): number | undefined {
  const text = quota?.status?.used?.[name];
  return text === undefined ? undefined : quantityBytes(text);
}
