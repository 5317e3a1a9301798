import { describe, expect, it } from '@jest/globals';
import { type DeadlineLimits, Deadlines } from './deadlines.ts';

const limits: DeadlineLimits = {
  untilAuthMs: 60,
  betweenCommandsMs: 100,
  dataSpanMs: 10,
  minBytes: 5,
  dataMs: 50,
  sessionMs: 1_000,
};

function authenticated(): Deadlines {
  const deadlines = new Deadlines(0, limits);
  deadlines.authenticated();
  return deadlines;
}

describe('deadlines', () => {
  it('ends a session that does not log in, however busy it is', () => {
    const deadlines = new Deadlines(0, limits);
    for (let now = 10; now <= 60; now += 10) {
      deadlines.command(now);
      expect(deadlines.isOverdue(now)).toBe(false);
    }
    deadlines.command(61);
    expect(deadlines.isOverdue(61)).toBe(true);
  });

  it('ends a session without a complete command', () => {
    const deadlines = authenticated();
    deadlines.command(50);
    expect(deadlines.isOverdue(150)).toBe(false);
    expect(deadlines.isOverdue(151)).toBe(true);
  });

  it('ends a trickle of data, and any data that lasts too long', () => {
    const trickle = authenticated();
    trickle.dataStarted(0);
    trickle.dataBytes(4);
    expect(trickle.isOverdue(9)).toBe(false);
    expect(trickle.isOverdue(10)).toBe(true);
    const steady = authenticated();
    steady.dataStarted(0);
    for (let now = 10; now <= 50; now += 10) {
      steady.dataBytes(5);
      expect(steady.isOverdue(now)).toBe(false);
    }
    steady.dataBytes(5);
    expect(steady.isOverdue(51)).toBe(true);
  });

  it('starts anew after the data, and ends every session some time', () => {
    const deadlines = authenticated();
    deadlines.dataStarted(0);
    deadlines.dataEnded(40);
    expect(deadlines.isOverdue(140)).toBe(false);
    deadlines.command(1_000);
    expect(deadlines.isOverdue(1_001)).toBe(true);
  });
});
