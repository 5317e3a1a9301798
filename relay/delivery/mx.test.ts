import { describe, expect, it } from '@jest/globals';
import { hostsInOrder } from './mx.ts';

const record = (exchange: string, priority: number) => ({ exchange, priority });
const isOwn = (host: string) => host === 'relay.test';

describe('order of MX hosts', () => {
  it('is by preference, and by lot among equals', () => {
    const records = [record('c', 20), record('a', 10), record('b', 10)];
    const lots =
      (...values: number[]) =>
      () =>
        values.shift() ?? 0;
    expect(hostsInOrder(records, isOwn, lots(0, 0.1, 0.9))).toEqual(['a', 'b', 'c']);
    expect(hostsInOrder(records, isOwn, lots(0, 0.9, 0.1))).toEqual(['b', 'a', 'c']);
  });

  it('gives each of equal hosts about the same share', () => {
    const records = [record('a', 10), record('b', 10), record('c', 10)];
    const firsts = Array.from({ length: 3_000 }, () => hostsInOrder(records, isOwn, Math.random)[0]);
    for (const host of ['a', 'b', 'c'])
      expect(firsts.filter((first) => first === host).length).toBeGreaterThan(850);
  });

  it('ends before ourselves: a worse host would bring the mail back to us', () => {
    const records = [record('best', 5), record('relay.test', 10), record('equal', 10), record('worse', 20)];
    expect(hostsInOrder(records, isOwn, () => 0)).toEqual(['best']);
    expect(hostsInOrder([record('relay.test', 5), record('worse', 20)], isOwn, () => 0)).toEqual([]);
  });

  it('tries a bounded number', () => {
    expect(
      hostsInOrder(
        Array.from({ length: 30 }, (_, i) => record(`h${i}`, i)),
        isOwn,
        () => 0,
      ),
    ).toHaveLength(5);
  });
});
