import { describe, expect, it } from '@jest/globals';
import { Lockout, REFUSAL_DELAY_MS, sourceOf } from './lockout.ts';

const limits = { perPair: 3, perAddress: 6, windowMs: 1_000, maxEntries: 100 };

describe('lockout', () => {
  it('slows and cuts after some failures of one user from one address, other users and addresses not', () => {
    const lockout = new Lockout(limits);
    const verdicts = [1, 2, 3, 4].map(() => lockout.failed('user', '192.0.2.1', 0));
    expect(verdicts.map(({ cut }) => cut)).toEqual([false, false, true, true]);
    expect(verdicts[0]?.delayMs).toBe(REFUSAL_DELAY_MS);
    expect(verdicts[3]?.delayMs).toBeGreaterThan(verdicts[2]?.delayMs ?? Infinity);
    expect(lockout.failed('user', '192.0.2.2', 0).cut).toBe(false);
    expect(lockout.failed('other', '192.0.2.1', 0).cut).toBe(false);
  });

  it('cuts an address that tries many users, once each', () => {
    const lockout = new Lockout(limits);
    const cuts = Array.from({ length: 7 }, (_, i) => lockout.failed(`user${i}`, '192.0.2.1', 0).cut);
    expect(cuts).toEqual([false, false, false, false, false, true, true]);
  });

  it('forgets after the window and after a success', () => {
    const lockout = new Lockout(limits);
    for (let i = 0; i < 3; i++) lockout.failed('user', '192.0.2.1', 0);
    expect(lockout.failed('user', '192.0.2.1', 1_001).cut).toBe(false);
    for (let i = 0; i < 3; i++) lockout.failed('two', '192.0.2.9', 0);
    lockout.succeeded('TWO', '192.0.2.9');
    expect(lockout.failed('two', '192.0.2.9', 0).cut).toBe(false);
  });

  it('has a bounded memory', () => {
    const lockout = new Lockout({ ...limits, maxEntries: 10 });
    for (let i = 0; i < 1_000; i++) lockout.failed(`user${i}`, `192.0.2.${i % 250}`, 0);
    expect(lockout.failed('user0', '192.0.2.0', 0).cut).toBe(false);
  });

  it('counts an IPv6 network as one source', () => {
    expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe(sourceOf('2001:db8:1:2::7'));
    expect(sourceOf('192.0.2.1')).toBe('192.0.2.1');
  });
});
