import { describe, expect, test } from '@jest/globals';
import { API_VERSION, type PlanLimit, type SmtpRelay } from '../api/index.ts';
import { admits, matches } from './namespaces.ts';
import { AgeOrder } from './age-order.ts';
import { effectivePlan, firstWithRelay, workspaceConfig } from './plan.ts';
import { chooseRelay } from './relay-choice.ts';

describe('admission of namespaces', () => {
  test.each([
    ['its own namespace always', { from: 'Same' as const }, 'home', true],
    ['no other by default', undefined, 'away', false],
    ['every one with All', { from: 'All' as const }, 'away', true],
    [
      'those that match with Selector',
      { from: 'Selector' as const, selector: { matchLabels: { team: 'a' } } },
      'away',
      true,
    ],
    [
      'none that does not',
      { from: 'Selector' as const, selector: { matchLabels: { team: 'b' } } },
      'away',
      false,
    ],
  ])('%s', (_, allowed, namespace, expected) => {
    expect(admits(allowed, 'home', namespace, { team: 'a' })).toBe(expected);
  });

  test.each([
    ['In', { key: 'a', operator: 'In' as const, values: ['1', '2'] }, { a: '2' }, true],
    ['In without the label', { key: 'a', operator: 'In' as const, values: ['1'] }, {}, false],
    ['NotIn without the label', { key: 'a', operator: 'NotIn' as const, values: ['1'] }, {}, true],
    ['Exists', { key: 'a', operator: 'Exists' as const }, { a: '' }, true],
    ['DoesNotExist', { key: 'a', operator: 'DoesNotExist' as const }, { a: '' }, false],
  ])('expression %s', (_, expression, labels, expected) => {
    expect(matches({ matchExpressions: [expression] }, labels as Record<string, string>)).toBe(expected);
  });
});

describe('choice of the relay', () => {
  const relay = (namespace: string, name: string, spec: object = {}): SmtpRelay => ({
    apiVersion: API_VERSION,
    kind: 'SmtpRelay',
    metadata: { namespace, name },
    spec: { delivery: { direct: {} }, ...spec },
  });
  const all = { allowedNamespaces: { from: 'All' } };
  const ask = (relays: SmtpRelay[], more: object = {}) =>
    chooseRelay({
      namespace: 'team',
      namespaceLabels: {},
      relayRef: undefined,
      operatorNamespace: 'system',
      relays,
      ...more,
    });
  const chosen = (answer: ReturnType<typeof chooseRelay>): string =>
    answer.found ? `${answer.relay.metadata.namespace}/${answer.relay.metadata.name}` : answer.reason;

  test.each([
    ['the one of its own namespace', [relay('team', 'own'), relay('system', 'shared', all)], {}, 'team/own'],
    [
      'else the one of the operator that admits it',
      [relay('system', 'shared', all), relay('other', 'x', all)],
      {},
      'system/shared',
    ],
    ['none that does not admit it', [relay('system', 'shared')], {}, 'RelayNotFound'],
    ['not one of two', [relay('team', 'a'), relay('team', 'b')], {}, 'RelayAmbiguous'],
    [
      'of two the one that serves already',
      [relay('team', 'a'), relay('team', 'b')],
      { present: 'team/b' },
      'team/b',
    ],
    [
      'the one that is named',
      [relay('team', 'a'), relay('far', 'b', all)],
      { relayRef: { name: 'b', namespace: 'far' } },
      'far/b',
    ],
    [
      'not one that refuses',
      [relay('far', 'b')],
      { relayRef: { name: 'b', namespace: 'far' } },
      'RelayNotAllowed',
    ],
    [
      'not the one that served it and admits it no longer',
      [relay('system', 'shared')],
      { present: 'system/shared' },
      'RelayNotAllowed',
    ],
    [
      'none is refused while its namespace is not known',
      [relay('system', 'shared')],
      { present: 'system/shared', namespaceLabels: undefined },
      'RelayNotFound',
    ],
    [
      'nor is the one that is named',
      [relay('far', 'b')],
      { relayRef: { name: 'b', namespace: 'far' }, namespaceLabels: undefined },
      'RelayNotFound',
    ],
    ['not one that is not there', [], { relayRef: { name: 'b' } }, 'RelayNotFound'],
  ])('%s', (_, relays, more, expected) => {
    expect(chosen(ask(relays, more))).toBe(expected);
  });
});

describe('plans', () => {
  const limit = (name: string, spec: PlanLimit['spec'], createdAt = '2026-01-01T00:00:00Z'): PlanLimit => ({
    apiVersion: API_VERSION,
    kind: 'PlanLimit',
    metadata: { name, namespace: 'team', creationTimestamp: createdAt },
    spec,
  });

  test('figures set by hand replace those of the plan', () => {
    const plan = effectivePlan([limit('a', { plan: '10k', maxAccounts: 7 })], undefined);
    expect(plan).toMatchObject({ name: '10k', maxAccounts: 7, perMonth: 10_000, perDay: 500, perHour: 50 });
  });

  test('the tightest of several wins, figure by figure', () => {
    const plan = effectivePlan(
      [limit('a', { plan: '20k' }), limit('b', { plan: '30k', maxAccounts: 3 })],
      undefined,
    );
    expect(plan).toMatchObject({ name: '20k', maxAccounts: 3, perMonth: 20_000 });
  });

  test("without one the relay's default holds, without that nothing", () => {
    expect(effectivePlan([], '10k')).toMatchObject({ source: 'DefaultPlan', maxAccounts: 5 });
    expect(effectivePlan([], undefined)).toMatchObject({ source: 'Unlimited', maxAccounts: undefined });
    expect(workspaceConfig('team', effectivePlan([], undefined))).toBeUndefined();
  });

  test('the relay of a workspace is that of its oldest account that has one', () => {
    const account = (name: string, relay?: string, deletionTimestamp?: string) => ({
      metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      relay,
    });
    const all = [
      account('going', 'a', '2026-01-04T00:00:00Z'),
      account('oldest'),
      account('middle', 'b'),
      account('young', 'c'),
    ];
    expect(firstWithRelay(all, ({ relay }) => relay)?.account.metadata.name).toBe('middle');
    expect(firstWithRelay(all, ({ metadata }) => metadata.name)?.relay).toBe('oldest');
    expect(firstWithRelay([], () => 'a')).toBeUndefined();
  });

  test('the older account keeps service; of the same age the one whose name comes first', () => {
    const account = (name: string, createdAt: string) => ({
      metadata: { name, creationTimestamp: createdAt },
    });
    const all = [
      account('b', '2026-01-02T00:00:00Z'),
      account('a', '2026-01-02T00:00:00Z'),
      account('z', '2026-01-01T00:00:00Z'),
    ];
    const ages = new AgeOrder();
    for (const one of all) ages.add('shop', one);
    expect(all.map((one) => ages.rankOf('shop', one))).toEqual([2, 1, 0]);
    expect(ages.rankOf('elsewhere', all[0]!)).toBe(0);
  });

  test('the order by age stays right while accounts come and go, also twice', () => {
    const account = (index: number) => ({
      metadata: {
        name: `a${index}`,
        creationTimestamp: `2026-01-01T00:${String((index * 7) % 50).padStart(2, '0')}:00Z`,
      },
    });
    const ages = new AgeOrder();
    for (let index = 0; index < 50; index++) ages.add('shop', account(index));
    for (let index = 0; index < 50; index += 3) ages.remove('shop', account(index));
    ages.add('shop', account(1));
    ages.remove('shop', account(3));
    const names = ages.of('shop').map(({ metadata }) => metadata.name);
    const expected = Array.from({ length: 50 }, (_, index) => account(index))
      .filter((_, index) => index % 3 !== 0)
      .map(({ metadata }) => metadata)
      .toSorted((a, b) => (a.creationTimestamp < b.creationTimestamp ? -1 : 1))
      .map(({ name }) => name);
    expect(names).toEqual(expected);
    for (const name of names) ages.remove('shop', account(Number(name.slice(1))));
    expect(ages.of('shop')).toEqual([]);
  });
});
