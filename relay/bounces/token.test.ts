import { describe, expect, it } from '@jest/globals';
import { readReturnPath, signReturnPath } from './token.ts';

const key = Buffer.alloc(32, 7);
const NOW = Date.UTC(2025, 5, 1);
const path = { queueId: '1K80318EOAUOME9SM', recipientId: 123_456_789 };
const sign = (change: { key?: Buffer; domain?: string; expiresAt?: number } = {}) =>
  signReturnPath(change.key ?? key, change.domain ?? 'bounces.shop.example', {
    ...path,
    expiresAt: change.expiresAt ?? NOW,
  });

describe('return path', () => {
  it('comes back as what it was signed for, also when a host changed its case', () => {
    expect(readReturnPath(key, sign(), NOW)).toEqual(path);
    expect(readReturnPath(key, sign().toUpperCase(), NOW)).toEqual(path);
  });

  it('fits into a local part with the largest numbers', () => {
    const largest = signReturnPath(key, 'b.example', {
      queueId: 'V'.repeat(17),
      recipientId: Number.MAX_SAFE_INTEGER,
      expiresAt: Date.UTC(2999, 0, 1),
    });
    expect(largest.indexOf('@')).toBeLessThanOrEqual(64);
    expect(readReturnPath(key, largest, NOW)?.recipientId).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([
    ['another key', sign({ key: Buffer.alloc(32, 8) })],
    ['another domain', sign().replace('shop', 'blog')],
    ['another recipient', sign().replace('.21i3v9.', '.21i3va.')],
    ['a changed signature', sign().replace(/.(?=@)/, (char) => (char === '0' ? '1' : '0'))],
    ['no signature', 'b+1k80318eoauome9sm.21i3v9.fvd@bounces.shop.example'],
    ['a common address', 'postmaster@bounces.shop.example'],
    ['one whose time is over', sign({ expiresAt: NOW - 2 * 24 * 3_600_000 })],
  ])('is not read from %s', (_, address) => {
    expect(sign()).toContain('.21i3v9.');
    expect(readReturnPath(key, address, NOW)).toBeUndefined();
  });
});
