/** PlanLimit on the real control plane: the API server itself refuses what exceeds the plan. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  apply,
  conditionOf,
  create,
  install,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  remove,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

const COUNT = 'count/smtpaccounts.migosmtp.com';
let world: Installation;

beforeAll(async () => {
  world = await install();
  await relay(world);
}, 1_200_000);
afterAll(() => world.stop());

const declare = (ns: string, name: string, spec: object): Promise<Thing> =>
  apply(world.cluster, kind('PlanLimit', ns, name, spec));
const wait = (ns: string, name: string, check: (object: Thing) => boolean) =>
  until(world.cluster, 'PlanLimit', ns, name, check);
const account = (ns: string, name: string): Promise<Thing> =>
  create(world.cluster, kind('SmtpAccount', ns, name, {}));

async function quotas(ns: string): Promise<Record<string, Record<string, string>>> {
  const { items } = await world.cluster.api.get<{
    items: (Thing & { spec: { hard: Record<string, string> } })[];
  }>(`/api/v1/namespaces/${ns}/resourcequotas`);
  return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, spec.hard]));
}

/** What the relay has been told of a namespace. */
async function onRelay(ns: string): Promise<Record<string, unknown> | undefined> {
  const entries = await projected<Record<string, unknown>>(world.cluster, 'workspaces');
  return entries.find((entry) => entry['namespace'] === ns);
}

test('a plan is Ready when its quota counts; the sixth account is refused in words that name plan, used and limit', async () => {
  await namespace(world.cluster, 'shop');
  await declare('shop', 'plan', { plan: '10k' });
  const ready = await wait('shop', 'plan', isReady);
  console.log(`PlanLimit Ready ${ready.ms} ms after it was declared`);
  expect(ready.status?.['hard']).toEqual({ accounts: 5, perMonth: 10_000, perDay: 500, perHour: 50 });
  expect(await onRelay('shop')).toEqual({
    namespace: 'shop',
    plan: '10k',
    perMonth: 10_000,
    perDay: 500,
    perHour: 50,
    timeZone: 'UTC',
    onWindowLimit: 'Queue',
    onMonthLimit: 'Reject',
  });
  for (let i = 1; i <= 5; i++) await account('shop', `app-${i}`);
  const refusal = String(await account('shop', 'app-6').catch((error: unknown) => error));
  expect(refusal).toContain(
    `exceeded quota: migosmtp-plan-10k, requested: ${COUNT}=1, used: ${COUNT}=5, limited: ${COUNT}=5`,
  );
  const full = await wait(
    'shop',
    'plan',
    // The count is the quota's, the names are the operator's: they meet a moment after the last account.
    ({ status }) =>
      (status?.['used'] as { accounts: number } | undefined)?.accounts === 5 &&
      (status?.['accounts'] as string[] | undefined)?.length === 5,
  );
  expect(full.status?.['accounts']).toEqual(['app-1', 'app-2', 'app-3', 'app-4', 'app-5']);
});

test('a larger plan takes the place of a smaller one without a moment unlimited', async () => {
  await declare('shop', 'plan', { plan: '20k' });
  const ready = await wait('shop', 'plan', isReady);
  await world.cluster.waitFor(
    'the old quota to go',
    async () => Object.keys(await quotas('shop')).length === 1,
  );
  expect(await quotas('shop')).toEqual({ 'migosmtp-plan-20k': { [COUNT]: '10' } });
  console.log(`a changed plan is Ready after ${ready.ms} ms`);
  await account('shop', 'app-6');
});

test('with several plans the tightest holds; a figure by hand replaces that of the plan', async () => {
  await declare('shop', 'tight', { plan: '10k', maxAccounts: 7, maxDomains: 1 });
  await wait('shop', 'tight', isReady);
  await world.cluster.waitFor('one quota', async () => Object.keys(await quotas('shop')).length === 1);
  const domains = 'count/verifieddomains.migosmtp.com';
  expect(await quotas('shop')).toEqual({ 'migosmtp-plan-10k': { [COUNT]: '7', [domains]: '1' } });
  await create(world.cluster, kind('VerifiedDomain', 'shop', 'one', { domain: 'one.example' }));
  const refusal = create(world.cluster, kind('VerifiedDomain', 'shop', 'two', { domain: 'two.example' }));
  await expect(refusal).rejects.toThrow(/exceeded quota: migosmtp-plan-10k/);
  await declare('shop', 'tight', { plan: '10k', maxAccounts: 6 });
  await world.cluster.waitFor(
    'the figures',
    async () => (await quotas('shop'))['migosmtp-plan-10k']?.[COUNT] === '6',
  );
  expect(Object.keys((await quotas('shop'))['migosmtp-plan-10k'] ?? {})).toEqual([COUNT]);
});

test('a plan below what is there says who keeps service', async () => {
  await declare('shop', 'tight', { maxAccounts: 2 });
  const over = await wait(
    'shop',
    'tight',
    (object) => conditionOf(object, 'WithinLimits')?.status === 'False' && isReady(object),
  );
  expect(over.status?.['accounts']).toEqual(['app-1', 'app-2']);
  await remove(world.cluster, 'PlanLimit', 'shop', 'tight');
  await world.cluster.waitFor(
    'the other plan',
    async () => (await quotas('shop'))['migosmtp-plan-20k']?.[COUNT] === '10',
  );
});

describe('quotas that somebody touches', () => {
  test('are put right when edited, and made again when deleted', async () => {
    const path = '/api/v1/namespaces/shop/resourcequotas/migosmtp-plan-20k';
    await apply(world.cluster, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { namespace: 'shop', name: 'migosmtp-plan-20k' },
      spec: { hard: { [COUNT]: '99' } },
    });
    await world.cluster.waitFor(
      'the figure',
      async () => (await quotas('shop'))['migosmtp-plan-20k']?.[COUNT] === '10',
    );
    await world.cluster.api.call(
      'PATCH',
      path,
      { metadata: { labels: { 'migosmtp.com/plan': null } } },
      { patch: 'merge' },
    );
    await world.cluster.waitFor('the label', async () => {
      const { metadata } = await world.cluster.api.get<Thing>(path);
      return metadata.labels?.['migosmtp.com/plan'] === '20k';
    });
    await world.cluster.waitFor('one quota only', async () => Object.keys(await quotas('shop')).length === 1);
    await remove(world.cluster, 'ResourceQuota', 'shop', 'migosmtp-plan-20k');
    await world.cluster.waitFor(
      'a new one',
      async () => (await quotas('shop'))['migosmtp-plan-20k'] !== undefined,
    );
    await wait('shop', 'plan', isReady);
  });

  test('are never overwritten when they are somebody else’s', async () => {
    await namespace(world.cluster, 'foreign');
    const hard = { pods: '3' };
    await create(world.cluster, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { namespace: 'foreign', name: 'migosmtp-plan-10k' },
      spec: { hard },
    });
    await declare('foreign', 'plan', { plan: '10k' });
    const refused = await wait('foreign', 'plan', (object) => conditionOf(object)?.status === 'False');
    expect(conditionOf(refused)?.reason).toBe('QuotaForeign');
    expect(await quotas('foreign')).toEqual({ 'migosmtp-plan-10k': hard });
    await remove(world.cluster, 'ResourceQuota', 'foreign', 'migosmtp-plan-10k');
    await wait('foreign', 'plan', isReady);
  });
});

test('a time zone that does not exist is said; limits hold in UTC', async () => {
  await namespace(world.cluster, 'zoned');
  await declare('zoned', 'plan', { plan: '10k', timeZone: 'Mars/Base' });
  const wrong = await wait('zoned', 'plan', (object) => conditionOf(object)?.status === 'False');
  expect(conditionOf(wrong)?.reason).toBe('InvalidTimeZone');
  expect(await onRelay('zoned')).toMatchObject({ timeZone: 'UTC', perDay: 500 });
  await declare('zoned', 'plan', { plan: '10k', timeZone: 'Europe/Berlin' });
  await wait('zoned', 'plan', isReady);
  expect(await onRelay('zoned')).toMatchObject({ timeZone: 'Europe/Berlin' });
});

test('a plan that is deleted takes its quota and its limits with it', async () => {
  await remove(world.cluster, 'PlanLimit', 'shop', 'plan');
  await world.cluster.waitFor('the quota to go', async () => Object.keys(await quotas('shop')).length === 0);
  await world.cluster.waitFor('the limits to go', async () => (await onRelay('shop')) === undefined);
});

test('a workspace without a plan is held to the default plan of the relay that it uses', async () => {
  await namespace(world.cluster, 'plain');
  await account('plain', 'app');
  await relay(world, 'main', { defaultPlan: '20k' });
  await world.cluster.waitFor('the default plan', async () => (await onRelay('plain'))?.['plan'] === '20k');
  expect(await quotas('plain')).toEqual({});
  expect(await onRelay('default')).toBeUndefined();
});

test('limits that change while accounts are made are those of the plan when all is done', async () => {
  await namespace(world.cluster, 'busy');
  const data = { password: Buffer.from('a-brought-password').toString('base64') };
  await apply(world.cluster, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'busy', name: 'source' },
    data,
  });
  // Nothing is counted by the API server: no quota whose changes bring the workspace back.
  await declare('busy', 'plan', { emails: { perHour: 100 } });
  await wait('busy', 'plan', isReady);
  for (const perHour of [101, 102]) {
    const names = Array.from({ length: 6 }, (_, index) => `a${perHour}-${index}`);
    // A brought password takes a slow hash: time for the plan to change between a look and a deed.
    const spec = { passwordFrom: { name: 'source' } };
    const made = names.map((name) => create(world.cluster, kind('SmtpAccount', 'busy', name, spec)));
    await Promise.any(made);
    await declare('busy', 'plan', { emails: { perHour } });
    await Promise.all(made);
    for (const name of names)
      await until(world.cluster, 'SmtpAccount', 'busy', name, (object) => isReady(object), 30_000);
    await world.cluster.waitFor(
      'the limits of the plan',
      async () => (await onRelay('busy'))?.['perHour'] === perHour,
      5_000,
    );
  }
}, 150_000);
