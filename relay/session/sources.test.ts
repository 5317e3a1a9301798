import { describe, expect, it } from '@jest/globals';
import { Sources } from './sources.ts';

const limits = { maxPerSource: 3, maxUnauthenticatedPerSource: 2, maxUnauthenticatedPerMinute: 4 };

describe('connections of one source', () => {
  it('are capped, logged in or not, apart from those of others', () => {
    const sources = new Sources(limits);
    expect([sources.opened('a', 0), sources.opened('a', 0), sources.opened('a', 0)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(sources.opened('b', 0)).toBe(true);
    sources.loggedIn('a');
    expect(sources.opened('a', 0)).toBe(true);
    sources.loggedIn('a');
    expect(sources.opened('a', 0)).toBe(false);
    sources.closed('a', true);
    expect(sources.opened('a', 0)).toBe(true);
  });

  it('are limited in a minute where they do not log in', () => {
    const sources = new Sources(limits);
    const visit = (nowMs: number) => {
      const isOpen = sources.opened('a', nowMs);
      if (isOpen) sources.closed('a', false);
      return isOpen;
    };
    expect([visit(0), visit(1), visit(2), visit(3), visit(4)]).toEqual([true, true, true, true, false]);
    sources.forget(59_000);
    expect(visit(59_000)).toBe(false);
    expect(visit(61_000)).toBe(true);
    for (let i = 0; i < 10; i++) {
      expect(sources.opened('honest', 0)).toBe(true);
      sources.loggedIn('honest');
      sources.closed('honest', true);
    }
  });

  it('are forgotten when they are closed and old', () => {
    const sources = new Sources(limits);
    for (let i = 0; i < 4; i++) {
      sources.opened('a', 0);
      sources.closed('a', false);
    }
    sources.forget(60_000);
    expect(sources.opened('a', 1)).toBe(true);
  });
});
