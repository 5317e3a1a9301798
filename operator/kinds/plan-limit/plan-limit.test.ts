import { describe, expect, test } from '@jest/globals';
import type { PlanLimit, PlanLimitSpec, relayApi } from '../../api/index.ts';
import type { ResourceQuota } from '../../kube/index.ts';
import { COUNT_ACCOUNTS, COUNT_DOMAINS, isCounting, usedOf, wantedQuota } from './quota.ts';
import { decidePlan, type PlanSnapshot } from './status.ts';
import { dayIn, isTimeZone } from '../../policy/index.ts';
import { decideWorkspace, type WorkspaceSnapshot } from './workspace.ts';

const NOW = new Date('2026-06-01T12:00:00Z');

function limitOf(name: string, spec: PlanLimitSpec, hour = 0): PlanLimit {
  const creationTimestamp = `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`;
  return {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'PlanLimit',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation: 1, creationTimestamp },
    spec,
  };
}

const counting = (quota: ResourceQuota, used = '0'): ResourceQuota => ({
  ...quota,
  metadata: { ...quota.metadata, uid: `uid-${quota.metadata.name}` },
  status: {
    hard: { ...quota.spec?.hard },
    used: Object.fromEntries(Object.keys(quota.spec?.hard ?? {}).map((name) => [name, used])),
  },
});

describe('the quota', () => {
  test.each<[string, PlanLimit[], string | undefined, object | undefined]>([
    ['no plan: none', [], undefined, undefined],
    [
      'a plan: its accounts, under its name',
      [limitOf('p', { plan: '10k' })],
      '10k',
      { [COUNT_ACCOUNTS]: '5' },
    ],
    [
      'a figure by hand replaces that of the plan',
      [limitOf('p', { plan: '10k', maxAccounts: 7, maxDomains: 2 })],
      '10k',
      { [COUNT_ACCOUNTS]: '7', [COUNT_DOMAINS]: '2' },
    ],
    [
      'figures without a plan: named after the PlanLimit',
      [limitOf('team', { maxDomains: 2 })],
      'team',
      { [COUNT_DOMAINS]: '2' },
    ],
    [
      'several: the tightest of each figure, under the name of who limits accounts',
      [limitOf('a', { plan: '20k' }), limitOf('b', { plan: '10k' }), limitOf('c', { maxDomains: 1 })],
      '10k',
      { [COUNT_ACCOUNTS]: '5', [COUNT_DOMAINS]: '1' },
    ],
    [
      'thousands, as the API server stores them',
      [limitOf('p', { maxAccounts: 1000, maxDomains: 1500 })],
      'p',
      { [COUNT_ACCOUNTS]: '1k', [COUNT_DOMAINS]: '1500' },
    ],
    ['mail only: nothing to count', [limitOf('p', { emails: { perDay: 9 } })], undefined, undefined],
  ])('%s', (_title, limits, plan, hard) => {
    const quota = wantedQuota('shop', limits);
    expect(quota?.metadata.name).toBe(plan && `migosmtp-plan-${plan}`);
    expect(quota?.spec?.hard).toEqual(hard);
    expect(quota?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(
      quota && limits.map(({ metadata }) => metadata.name),
    );
  });

  test('counts once the quota controller has taken its figures up and counted', () => {
    const quota = wantedQuota('shop', [limitOf('p', { plan: '10k' })])!;
    expect(isCounting(quota)).toBe(false);
    expect(isCounting({ ...quota, status: { hard: { [COUNT_ACCOUNTS]: '5' } } })).toBe(false);
    expect(
      isCounting({
        ...counting(quota),
        status: { hard: { [COUNT_ACCOUNTS]: '4' }, used: { [COUNT_ACCOUNTS]: '0' } },
      }),
    ).toBe(false);
    expect(isCounting(counting(quota))).toBe(true);
  });

  test('reads a count of thousands', () => {
    const used = { [COUNT_ACCOUNTS]: '2k' };
    expect(usedOf({ metadata: { name: 'q' }, status: { used } }, COUNT_ACCOUNTS)).toBe(2000);
  });
});

describe('a workspace', () => {
  const plan = limitOf('p', { plan: '10k' });
  const bigger = limitOf('p', { plan: '20k' });
  const quota = counting(wantedQuota('shop', [plan])!);
  const config: relayApi.WorkspaceConfig = {
    namespace: 'shop',
    plan: '10k',
    perMonth: 10_000,
    perDay: 500,
    perHour: 50,
    timeZone: 'UTC',
    onWindowLimit: 'Queue',
    onMonthLimit: 'Reject',
  };
  const relay = { key: 'mail/main', admits: true, defaultPlan: undefined, entry: undefined };
  const base: WorkspaceSnapshot = {
    namespace: 'shop',
    isListed: true,
    isActive: true,
    hasAccounts: false,
    limits: [],
    quotas: [],
    relays: [],
  };
  const project = (entry: relayApi.WorkspaceConfig | undefined) => ({
    do: 'project',
    relay: 'mail/main',
    entry,
  });
  test.each<[string, Partial<WorkspaceSnapshot>, object[]]>([
    ['without a plan: nothing to do', { relays: [relay] }, []],
    [
      'with a new plan: quota and limits',
      { limits: [plan], relays: [relay] },
      [project(config), { do: 'createQuota', quota: wantedQuota('shop', [plan]) }],
    ],
    [
      'as it should be: nothing to do',
      { limits: [plan], quotas: [quota], relays: [{ ...relay, entry: config }] },
      [],
    ],
    [
      'whose quota somebody edited: put right',
      { limits: [plan], quotas: [{ ...quota, spec: { hard: { [COUNT_ACCOUNTS]: '99', pods: '1' } } }] },
      [{ do: 'changeQuota', quota: wantedQuota('shop', [plan]), dropped: ['pods'] }],
    ],
    [
      'whose plan changes: the new quota first, the old one stays meanwhile',
      { limits: [bigger], quotas: [quota] },
      [{ do: 'createQuota', quota: wantedQuota('shop', [bigger]) }],
    ],
    [
      'whose plan changes, the new quota not counting: the old one stays',
      { limits: [bigger], quotas: [quota, { ...counting(wantedQuota('shop', [bigger])!), status: {} }] },
      [],
    ],
    [
      'whose plan changes, the new quota counting: the old one goes',
      { limits: [bigger], quotas: [quota, counting(wantedQuota('shop', [bigger])!)] },
      [{ do: 'deleteQuota', name: 'migosmtp-plan-10k', uid: 'uid-migosmtp-plan-10k' }],
    ],
    [
      'whose plan is gone: quota and limits go',
      { quotas: [quota], relays: [{ ...relay, entry: config }] },
      [project(undefined), { do: 'deleteQuota', name: 'migosmtp-plan-10k', uid: 'uid-migosmtp-plan-10k' }],
    ],
    [
      'that is not watched: nothing is known to be absent',
      { isListed: false, quotas: [quota], relays: [{ ...relay, entry: config }] },
      [],
    ],
    ['on its way out: no quota is made', { isActive: false, limits: [plan] }, []],
    [
      'that the relay does not admit any more: its limits go',
      { limits: [plan], quotas: [quota], relays: [{ ...relay, admits: false, entry: config }] },
      [project(undefined)],
    ],
    ['without accounts: no default plan', { relays: [{ ...relay, defaultPlan: '10k' }] }, []],
    [
      "with accounts and no plan: the relay's default",
      { hasAccounts: true, relays: [{ ...relay, defaultPlan: '10k' }] },
      [project(config)],
    ],
    [
      'with a time zone that does not exist: limits in UTC',
      {
        limits: [limitOf('p', { plan: '10k', timeZone: 'Mars/Base' })],
        quotas: [quota],
        relays: [{ ...relay, entry: config }],
      },
      [],
    ],
  ])('%s', (_title, change, actions) => {
    expect(decideWorkspace({ ...base, ...change }).actions).toEqual(actions);
  });
});

describe('status', () => {
  const limit = limitOf('p', { plan: '10k' });
  const quota = counting(wantedQuota('shop', [limit])!, '2');
  const account = (name: string) => ({ metadata: { name } });
  const base: PlanSnapshot = {
    limit,
    limits: [limit],
    quota,
    isQuotaForeign: false,
    accounts: [account('b'), account('a')],
    domains: 1,
    lateRelays: [],
    usage: undefined,
  };
  const zoned = limitOf('p', { plan: '10k', timeZone: 'Mars/Base' });
  test.each<[string, Partial<PlanSnapshot>, string, string]>([
    ['all enforced', {}, 'True', 'Enforced'],
    ['no quota yet', { quota: undefined }, 'Unknown', 'NotCounting'],
    ['the quota does not count', { quota: { ...quota, status: {} } }, 'Unknown', 'NotCounting'],
    [
      'the quota counts, but not these figures',
      { quota: counting(wantedQuota('shop', [limitOf('p', { plan: '20k' })])!) },
      'Unknown',
      'NotCounting',
    ],
    ['the quota is somebody else’s', { isQuotaForeign: true }, 'False', 'QuotaForeign'],
    ['a relay lags', { lateRelays: ['SmtpRelay mail/main'] }, 'Unknown', 'RelayPending'],
    ['no such time zone', { limit: zoned, limits: [zoned] }, 'False', 'InvalidTimeZone'],
    [
      'an empty spec, from an API server without CEL',
      { limit: limitOf('p', {}), limits: [limitOf('p', {})] },
      'False',
      'InvalidSpec',
    ],
  ])('Ready when %s', (_title, change, status, reason) => {
    const ready = decidePlan({ ...base, ...change }, NOW).status?.conditions?.find(
      ({ type }) => type === 'Ready',
    );
    expect([ready?.status, ready?.reason]).toEqual([status, reason]);
  });

  test('when all is enforced each step says why', () => {
    const found = (decidePlan(base, NOW).status?.conditions ?? []).map(({ type, status, reason }) => [
      type,
      status,
      reason,
    ]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['QuotaCounting', 'True', 'Counting'],
        ['RelaySynced', 'True', 'Synced'],
        ['WithinLimits', 'True', 'Within'],
      ]),
    );
  });

  test('says what holds, what is used, and who has service', () => {
    const most = Array.from({ length: 7 }, (_, index) => account(`a${index}`));
    const { status } = decidePlan({ ...base, accounts: most }, NOW);
    expect(status).toMatchObject({
      hard: { accounts: 5, perMonth: 10_000, perDay: 500, perHour: 50 },
      used: { accounts: 2, domains: 1 },
      accounts: ['a0', 'a1', 'a2', 'a3', 'a4'],
    });
    expect(status?.conditions?.find(({ type }) => type === 'WithinLimits')).toMatchObject({
      status: 'False',
      reason: 'AccountsOverLimit',
    });
  });

  const window = (used: number) => ({ quota: null, used, since: '' });
  const usage = (month: number, day: number, asOf = NOW.toISOString()) => ({
    asOf,
    workspace: {
      namespace: 'shop',
      plan: '10k',
      hour: window(0),
      day: window(day),
      month: window(month),
      held: 0,
    },
  });
  const told = (month: number, day: number, minutesAgo: number) => ({
    ...limit,
    status: {
      used: { perMonth: month, perDay: day, perHour: 0 },
      asOf: new Date(NOW.getTime() - minutesAgo * 60_000).toISOString(),
    },
  });
  test.each<[string, PlanLimit, PlanSnapshot['usage'], number | undefined]>([
    ['no figures: none', limit, undefined, undefined],
    ['the first figures: told', limit, usage(3, 3), 3],
    ['a few more within a quarter of an hour: not told', told(3, 3, 14), usage(9, 9), 3],
    ['a few more after it: told', told(3, 3, 15), usage(9, 9), 9],
    ['80 % of the day passed: told at once', told(399, 399, 1), usage(400, 400), 400],
    ['100 % of the day passed: told at once', told(450, 450, 1), usage(500, 500), 500],
    ['nothing moved: not told, however old', told(3, 3, 99), usage(3, 3, '2026-06-01T11:00:00Z'), 3],
  ])('usage: %s', (_title, limit, usage, month) => {
    expect(decidePlan({ ...base, limit, usage }, NOW).status?.used?.perMonth).toBe(month);
  });
});

describe('time zones', () => {
  test.each([
    ['UTC', '2026-06-30'],
    ['Europe/Berlin', '2026-07-01'],
    ['America/Los_Angeles', '2026-06-30'],
  ])('the day in %s', (zone, day) => {
    expect(dayIn(zone, new Date('2026-06-30T22:30:00Z'))).toBe(day);
  });
  test('what exists', () => {
    expect(['UTC', 'Europe/Berlin', 'Etc/GMT+5', 'Mars/Base', ''].map(isTimeZone)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
