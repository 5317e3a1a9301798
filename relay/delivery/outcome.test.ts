import { describe, expect, it } from '@jest/globals';
import { downDelay, retryDelay } from './backoff.ts';
import { outcomeOf } from './outcome.ts';

const recipient = { id: 1, address: 'a@x.example', attempts: 0, expiresAt: 10_000 };
const reply = (code: number) => ({ code, text: `${code} text`, remoteHost: 'mx' });

describe('outcome', () => {
  it.each([
    ['2xx is delivered', 250, 0, 'delivered'],
    ['5xx bounces', 550, 0, 'bounced'],
    ['4xx is tried again', 451, 0, 'deferred'],
    ['an unknown outcome is tried again', 0, 0, 'deferred'],
    ['a strange code is tried again', 354, 0, 'deferred'],
    ['4xx bounces when the lifetime is over', 451, 10_000, 'bounced'],
    ['2xx counts however late', 250, 99_999, 'delivered'],
  ])('%s', (_, code, nowMs, status) => {
    expect(outcomeOf(recipient, reply(code), { nowMs, random: 0.5 }).status).toBe(status);
  });

  it('says in the bounce of an expired message what the last answer was', () => {
    expect(outcomeOf(recipient, reply(451), { nowMs: 10_000, random: 0.5 }).response).toBe(
      '554 5.4.7 Delivery time expired; last: 451 text',
    );
  });
});

describe('backoff', () => {
  it('doubles to an hour, within a quarter of jitter', () => {
    expect([1, 2, 3, 8, 99].map((attempts) => retryDelay(attempts, 0.5))).toEqual([
      30_000, 60_000, 120_000, 3_600_000, 3_600_000,
    ]);
    expect(retryDelay(1, 0)).toBe(22_500);
    expect(retryDelay(1, 0.999)).toBeLessThan(37_500);
  });

  it('asks a next hop that is down within a minute, one that refuses our login more rarely', () => {
    expect(downDelay(1, false, 0.5)).toBe(1_000);
    expect(downDelay(50, false, 0.5)).toBe(60_000);
    expect(downDelay(1, true, 0.5)).toBe(15_000);
    expect(downDelay(50, true, 0.5)).toBe(300_000);
  });
});
