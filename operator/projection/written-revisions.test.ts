import { describe, expect, test } from '@jest/globals';
import { WrittenRevisions } from './written-revisions.ts';

const SHARD = 3;
const READ = 100;

describe('revisions in which entries were written', () => {
  test('what was not written since the shard was read stands in what was read', () => {
    expect(new WrittenRevisions().of('accounts/a', SHARD, READ)).toBe(READ);
  });

  test('an entry and an absence stand in the revision that wrote them', () => {
    const written = new WrittenRevisions();
    written.note('accounts/a', { shard: SHARD, revision: 101, isAbsence: false });
    written.note('accounts/b', { shard: SHARD, revision: 102, isAbsence: true });
    expect([written.of('accounts/a', SHARD, READ), written.of('accounts/b', SHARD, READ)]).toEqual([
      101, 102,
    ]);
  });

  test('accounts that come and go for years take no memory, and no absence counts as written too early', () => {
    const written = new WrittenRevisions(10);
    written.note('accounts/stays', { shard: SHARD, revision: 101, isAbsence: false });
    for (let revision = 102; revision < 2_000; revision++) {
      written.note(`accounts/${revision}`, { shard: SHARD, revision, isAbsence: false });
      written.note(`accounts/${revision}`, { shard: SHARD, revision: revision + 1, isAbsence: true });
    }
    expect(written.size).toBe(11);
    expect(written.of('accounts/stays', SHARD, READ)).toBe(101);
    expect(written.of('accounts/500', SHARD, READ)).toBeGreaterThanOrEqual(501);
    expect(written.of('accounts/500', SHARD + 1, READ)).toBe(READ);
  });

  test('an account that comes back is remembered as any other', () => {
    const written = new WrittenRevisions(1);
    written.note('accounts/a', { shard: SHARD, revision: 101, isAbsence: true });
    written.note('accounts/a', { shard: SHARD, revision: 102, isAbsence: false });
    written.note('accounts/b', { shard: SHARD, revision: 103, isAbsence: true });
    written.note('accounts/c', { shard: SHARD, revision: 104, isAbsence: true });
    expect(written.of('accounts/a', SHARD, READ)).toBe(102);
  });
});
