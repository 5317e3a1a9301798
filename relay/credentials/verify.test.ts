import { createHash, randomBytes, scryptSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { PasswordChecker } from './verify.ts';

function sha256(id: string, password: string): relayApi.Verifier {
  const salt = randomBytes(16);
  const hash = createHash('sha256').update(salt).update(password).digest('base64');
  return { id, algorithm: 'sha256', salt: salt.toString('base64'), hash };
}

function scrypt(id: string, password: string): relayApi.Verifier {
  const salt = randomBytes(16);
  const cost = { N: 1_024, r: 8, p: 1 };
  return {
    id,
    algorithm: 'scrypt',
    salt: salt.toString('base64'),
    hash: scryptSync(password, salt, 32, cost).toString('base64'),
    cost,
  };
}

describe('password checker', () => {
  it.each([
    ['the first verifier', [sha256('a', 'x'), sha256('b', 'y')], 'x', 'a'],
    ['a later verifier', [sha256('a', 'x'), sha256('b', 'y')], 'y', 'b'],
    ['scrypt', [scrypt('s', 'ü€')], 'ü€', 's'],
    ['a wrong password', [sha256('a', 'x'), scrypt('s', 'y')], 'z', undefined],
    ['an empty password', [sha256('a', '')], '', undefined],
    ['the stand-in of an unusable password', [sha256('a', 'refused')], '', undefined],
    ['a password of a megabyte', [sha256('a', 'x')], 'x'.repeat(1e6), undefined],
    ['nobody', [], 'x', undefined],
  ])('judges %s', async (_, verifiers, password, expected) => {
    expect((await new PasswordChecker().check(verifiers, password))?.id).toBe(expected);
  });

  it('remembers a success of a slow verifier, and no failure', async () => {
    const checker = new PasswordChecker();
    const verifiers = [scrypt('s', 'right')];
    for (const password of ['right', 'wrong', 'right', 'wrong']) {
      const accepted = await checker.check(verifiers, password);
      expect(accepted !== undefined).toBe(password === 'right');
    }
  });

  it('runs many slow checks at once without a mix-up', async () => {
    const checker = new PasswordChecker();
    const verifiers = [scrypt('s', 'right')];
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => checker.check(verifiers, i % 2 ? 'right' : `w${i}`)),
    );
    expect(results.map((result) => result?.id)).toEqual(
      Array.from({ length: 12 }, (_, i) => (i % 2 ? 's' : undefined)),
    );
  });
});
