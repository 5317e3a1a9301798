import { describe, expect, test } from '@jest/globals';
import { Pace } from './pace.ts';

const SHARDS = 32;
const LONG_AGO = -Infinity;

describe('the pace of shard writes', () => {
  test.each([
    ['one after another, as a person works', 1_000],
    ['five a second', 200],
  ])('changes that come %s are written at once', (_, everyMs) => {
    const pace = new Pace(SHARDS);
    for (let now = 0; now < 20_000; now += everyMs) {
      pace.count(now);
      expect(pace.waitMs({ now, writtenAt: now - 1, pending: 1, isUrgent: false })).toBe(0);
    }
  });

  test('a shard that was not written lately is written at once, also in a wave', () => {
    const { pace, now } = inWave(50);
    const standing = { writtenAt: LONG_AGO, pending: 1, isUrgent: false };
    expect(pace.waitMs({ ...standing, now })).toBeLessThanOrEqual(0);
  });

  test('a shard that was just written waits for company in a wave, but not for ever', () => {
    const { pace, now } = inWave(50);
    const standing = { writtenAt: now - 1, pending: 1, isUrgent: false };
    expect(pace.waitMs({ ...standing, now })).toBeGreaterThan(100);
    for (let later = now; later < now + 8_000; later += 20) pace.count(later);
    expect(pace.waitMs({ ...standing, now: now + 8_000 })).toBeLessThanOrEqual(0);
  });

  test.each([
    ['what takes rights away', { pending: 1, isUrgent: true }],
    ['a shard with many changes', { pending: 8, isUrgent: false }],
  ])('%s never waits', (_, part) => {
    const { pace, now } = inWave(200);
    expect(pace.waitMs({ now, writtenAt: now, ...part })).toBe(0);
  });

  test('nothing waits once the wave has passed', () => {
    const { pace, now } = inWave(200);
    const standing = { writtenAt: now, pending: 1, isUrgent: false };
    expect(pace.waitMs({ ...standing, now: now + 400 })).toBeLessThanOrEqual(0);
  });

  test.each([20, 60, 200])('%d changes a second: a write carries four or more', (perSecond) => {
    expect(changesPerWrite(perSecond)).toBeGreaterThanOrEqual(4);
  });
});

function inWave(perSecond: number): { pace: Pace; now: number } {
  const pace = new Pace(SHARDS);
  let now = 0;
  for (; now < 5_000; now += 1000 / perSecond) pace.count(now);
  return { pace, now };
}

/** Twenty seconds of a wave, spread evenly over the shards. */
function changesPerWrite(perSecond: number): number {
  const pace = new Pace(SHARDS);
  const shards = Array.from({ length: SHARDS }, () => ({ writtenAt: LONG_AGO, pending: 0 }));
  let changes = 0;
  let writes = 0;
  for (let now = 0; now < 20_000; now += 5) {
    for (; changes < (now * perSecond) / 1000; changes++) {
      shards[(changes * 7) % SHARDS]!.pending++;
      pace.count(now);
    }
    for (const shard of shards) {
      if (shard.pending === 0 || pace.waitMs({ now, ...shard, isUrgent: false }) > 0) continue;
      Object.assign(shard, { writtenAt: now, pending: 0 });
      writes++;
    }
  }
  return changes / writes;
}
