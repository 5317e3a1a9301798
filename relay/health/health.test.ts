import { describe, expect, it } from '@jest/globals';
import { ClockWatch } from './clock.ts';
import { QueueWatch, type QueueView } from './queue.ts';

describe('clock watch', () => {
  it.each([
    ['runs as the other one', 1_000, 0],
    ['is slewed', 1_400, 0],
    ['is late because the process was busy', 1_000, 0],
    ['was set two days ahead', 1_000 + 172_800_000, 172_800_000],
    ['was set back by an hour', 1_000 - 3_600_000, -3_600_000],
  ])('%s', (_, wallStep, jump) => {
    const watch = new ClockWatch();
    expect(watch.observe(5_000_000, 10)).toBe(0);
    expect(watch.observe(5_000_000 + wallStep, 1_010)).toBe(jump);
    // Told once.
    expect(watch.observe(5_000_000 + wallStep + 1_000, 2_010)).toBe(0);
  });
});

describe('queue watch', () => {
  const start: QueueView = {
    nowMs: 1_000_000,
    monotonicMs: 0,
    oldestDueAt: 990_000,
    outcomes: 5,
    destinationsDown: 0,
  };
  const later = (change: Partial<QueueView> = {}): QueueView => ({
    ...start,
    nowMs: start.nowMs + 700_000,
    monotonicMs: 700_000,
    ...change,
  });

  it.each<[string, QueueView, number]>([
    ['mail is due and nothing moves', later(), 700],
    ['it has only just become due', later({ oldestDueAt: 1_690_000 }), 0],
    ['nothing waits', later({ oldestDueAt: null }), 0],
    ['all that waits is due later', later({ oldestDueAt: 9_000_000 }), 0],
    ['outcomes come in', later({ outcomes: 6 }), 0],
    ['the next hop is down', later({ destinationsDown: 1 }), 0],
    ['only the wall clock says so: it has jumped', later({ monotonicMs: 1_000 }), 0],
  ])('%s', (_, view, expected) => {
    const watch = new QueueWatch(600_000);
    expect(watch.stuckSeconds(start)).toBe(0);
    expect(watch.stuckSeconds(view)).toBe(expected);
  });

  it('counts from when the next hop came back', () => {
    const watch = new QueueWatch(600_000);
    watch.stuckSeconds(start);
    watch.stuckSeconds(later({ destinationsDown: 1 }));
    expect(watch.stuckSeconds(later({ nowMs: 1_800_000, monotonicMs: 800_000 }))).toBe(0);
    expect(watch.stuckSeconds(later({ nowMs: 2_400_000, monotonicMs: 1_400_000 }))).toBe(700);
  });
});
