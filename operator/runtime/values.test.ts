import { describe, expect, test } from '@jest/globals';
import { condition, mergeConditions } from './conditions.ts';
import { isOnlyStatus } from './watches.ts';
import { covers, isEqual, mergePatch } from './equal.ts';
import { keyFor, refOf } from './keys.ts';
import { Store } from './store.ts';

describe('comparison', () => {
  test.each([
    ['keys in another order are equal', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['undefined is absence', { a: 1, b: undefined }, { a: 1 }, true],
    ['null is not absence', { a: null }, {}, false],
    ['lists have an order', [1, 2], [2, 1], false],
    ['a list is not an object', [], {}, false],
  ])('%s', (_, a, b, equal) => {
    expect(isEqual(a, b)).toBe(equal);
  });

  test.each([
    ['what is equal needs no patch', { a: { b: 1 } }, { a: { b: 1 } }, undefined],
    [
      'only the difference is told',
      { a: 1, b: { c: 1, d: 2 } },
      { a: 1, b: { c: 1, d: 3 } },
      { b: { d: 3 } },
    ],
    ['what is gone becomes null', { a: 1, b: 2 }, { a: 1 }, { b: null }],
    ['lists are replaced whole', { a: [1, 2] }, { a: [1] }, { a: [1] }],
  ])('merge patch: %s', (_, from, to, patch) => {
    expect(mergePatch(from, to)).toEqual(patch);
  });

  test.each([
    ['more than was wanted', { a: 1, b: 2 }, { a: 1 }, true],
    ['less than was wanted', { a: 1 }, { a: 1, b: 2 }, false],
    ['an empty list stored as absent', {}, { a: [] }, true],
    ['an empty object stored as absent', {}, { a: {} }, true],
    ['a list with one entry more', { a: [1, 2] }, { a: [1] }, false],
    ['defaults within list entries', { a: [{ name: 'x', more: 1 }] }, { a: [{ name: 'x' }] }, true],
    ['another type', { a: '1' }, { a: { b: 1 } }, false],
  ])('covers: %s', (_, actual, wanted, expected) => {
    expect(covers(actual, wanted)).toBe(expected);
  });
});

describe('conditions', () => {
  const now = new Date('2026-01-02T03:04:05.678Z');
  const before = {
    type: 'Ready',
    status: 'False' as const,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: 'Old',
    message: 'old',
  };

  test('lastTransitionTime moves with the status only', () => {
    const same = mergeConditions([before], [condition('Ready', 'False', 'New', 'new')], 3, now);
    expect(same).toEqual([{ ...before, reason: 'New', message: 'new', observedGeneration: 3 }]);
    const moved = mergeConditions([before], [condition('Ready', 'True', 'New', 'new')], 3, now);
    expect(moved[0]?.lastTransitionTime).toBe('2026-01-02T03:04:05Z');
  });

  test('what is not stated any more goes', () => {
    expect(mergeConditions([before], [condition('Other', 'True', 'A', 'b')], 1, now)).toHaveLength(1);
  });
});

describe('store', () => {
  interface Item {
    metadata: { name: string; namespace: string };
    colors: string[];
  }
  const item = (name: string, ...colors: string[]): Item => ({ metadata: { name, namespace: 'n' }, colors });

  test('indexes follow objects as they change and go', () => {
    const store = new Store<Item>({ color: ({ colors }) => colors });
    store.set(item('a', 'red', 'blue'));
    store.set(item('b', 'red'));
    expect(store.byIndex('color', 'red').map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    store.set(item('a', 'green'));
    expect(store.byIndex('color', 'red').map(({ metadata }) => metadata.name)).toEqual(['b']);
    store.delete('n/b');
    expect(store.byIndex('color', 'red')).toEqual([]);
    expect(store.byIndex('color', 'green')).toHaveLength(1);
  });
});

test('keys name namespace and object, also without a namespace', () => {
  expect(refOf(keyFor('ns', 'name'))).toEqual({ namespace: 'ns', name: 'name' });
  expect(refOf(keyFor(undefined, 'name'))).toEqual({ namespace: '', name: 'name' });
});

describe('changes of status alone', () => {
  const object = (generation: number, labels: Record<string, string> = {}) => ({
    metadata: { name: 'a', generation, labels },
  });
  const change = (previous: ReturnType<typeof object>, now: ReturnType<typeof object>) =>
    ({ type: 'Updated', previous, object: now, isInitial: false }) as const;

  test('are told from changes of spec and labels', () => {
    expect(isOnlyStatus(change(object(1), object(1)))).toBe(true);
    expect(isOnlyStatus(change(object(1), object(2)))).toBe(false);
    expect(isOnlyStatus(change(object(1), object(1, { a: 'b' })))).toBe(false);
  });
});
