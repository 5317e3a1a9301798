import { describe, expect, jest, test } from '@jest/globals';
import { relayApi } from '../api/index.ts';
import { contentOf, copyOf, documentOf, emptyContent, mutate, shardOf } from './entries.ts';
import { HOLD_MS, mayRemove, RemovalGuard, tokenOf, type RemovalQuestion } from './removal-guard.ts';

describe('entries of shards', () => {
  const account = (name: string): relayApi.AccountConfig => ({
    id: 'u',
    namespace: 'n',
    name,
    username: 'x',
    verifiers: [],
    allowedSenders: [],
    limits: { onWindowLimit: 'Queue' },
    suspended: false,
  });

  test('a document survives the way into maps and back', () => {
    const content = emptyContent();
    mutate(content, { kind: 'accounts', key: 'n/a', value: account('a') });
    const document = documentOf(content, {
      relay: { namespace: 'n', name: 'r', uid: 'u' },
      shard: 3,
      revision: 9,
    });
    expect(relayApi.shardSchema.parse(document)).toEqual(document);
    expect(contentOf(document)).toEqual(content);
  });

  test('a copy does not change with its original', () => {
    const content = emptyContent();
    const copy = copyOf(content);
    mutate(content, { kind: 'accounts', key: 'n/a', value: account('a') });
    expect(copy.accounts.size).toBe(0);
  });

  test('an entry lives in the shard that the contract names', () => {
    expect(shardOf('accounts', 'n/a')).toBe(relayApi.shardOf('account/n/a'));
    expect(shardOf('workspaces', 'n')).toBe(relayApi.shardOf('workspace/n'));
  });
});

describe('mass removal', () => {
  const question: RemovalQuestion = {
    pending: 1,
    recent: 0,
    served: 100,
    heldSince: undefined,
    isConfirmed: false,
    now: 0,
  };
  test.each<[string, Partial<RemovalQuestion>, boolean]>([
    ['one goes at once', {}, true],
    ['ten of ten go at once', { pending: 10, served: 10 }, true],
    ['eleven of forty are held', { pending: 11, served: 40 }, false],
    ['a fifth of many goes at once', { pending: 20 }, true],
    ['more than a fifth is held', { pending: 21 }, false],
    ['those of the last minute count too', { pending: 11, recent: 11, served: 89 }, false],
    ['confirmed ones go', { pending: 90, isConfirmed: true }, true],
    ['a hold ends after its time', { pending: 90, heldSince: 0, now: HOLD_MS }, true],
    ['and not before', { pending: 90, heldSince: 0, now: HOLD_MS - 1 }, false],
  ])('%s', (_, part, expected) => {
    expect(mayRemove({ ...question, ...part })).toBe(expected);
  });

  test('many at once are held, told, and go when they are confirmed by their token', async () => {
    const served = new Set(Array.from({ length: 20 }, (_, index) => `n/a${index}`));
    const keys = [...served].slice(0, 15);
    const guard = new RemovalGuard({
      countServed: () => served.size,
      remove: (key) => Promise.resolve(served.delete(key)),
      onChange: () => undefined,
    });
    const outcomes = await Promise.all(keys.map((key) => guard.submit(key, false)));
    expect(new Set(outcomes)).toEqual(new Set(['held']));
    expect(served.size).toBe(20);
    expect(guard.held).toMatchObject({ count: 15, token: tokenOf(keys) });
    guard.withdraw('n/a0');
    guard.confirm('another');
    guard.confirm(tokenOf(keys.slice(1)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(served.size).toBe(6);
    expect(served.has('n/a0')).toBe(true);
    expect(guard.held).toBeUndefined();
    guard.close();
  });

  test('a relay that closes leaves nobody waiting, and nothing of it runs on', async () => {
    let attempts = 0;
    const guard = new RemovalGuard({
      countServed: () => 100,
      remove: () => {
        attempts++;
        return Promise.reject(new Error('the relay is gone'));
      },
      onChange: () => undefined,
    });
    const judged = guard.submit('n/gathered', false);
    guard.close();
    expect(await judged).toBe('held');
    expect(await guard.submit('n/late', false)).toBe('held');
    guard.confirm(tokenOf(['n/gathered', 'n/late']));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(attempts).toBe(0);
  });

  test('a hold lasts its time whatever the clock of the machine does', async () => {
    const wall = jest.spyOn(Date, 'now');
    const removed: string[] = [];
    const guard = new RemovalGuard({
      countServed: () => 20,
      remove: (key) => Promise.resolve(removed.push(key)),
      onChange: () => undefined,
    });
    const keys = Array.from({ length: 15 }, (_, index) => `n/a${index}`);
    await Promise.all(keys.map((key) => guard.submit(key, false)));
    const until = guard.held?.until;
    wall.mockReturnValue(Date.now() + 2 * HOLD_MS);
    expect(await guard.submit('n/a15', false)).toBe('held');
    expect(guard.held?.until).toEqual(until);
    wall.mockRestore();
    expect(removed).toEqual([]);
    guard.close();
  });

  test('what is certain never waits', async () => {
    const removed: string[] = [];
    const guard = new RemovalGuard({
      countServed: () => 100,
      remove: (key) => Promise.resolve(removed.push(key)),
      onChange: () => undefined,
    });
    await Promise.all(Array.from({ length: 50 }, (_, index) => guard.submit(`n/${index}`, true)));
    expect(removed).toHaveLength(50);
    guard.close();
  });
});
