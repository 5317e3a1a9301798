import { describe, expect, it } from '@jest/globals';
import { Calendar, type WindowKind } from './windows.ts';

const rows: [string, WindowKind, string, string, string, string][] = [
  ['a minute', 'minute', 'UTC', '2025-11-21T10:15:42Z', '2025-11-21T10:15:00Z', '2025-11-21T10:16:00Z'],
  ['an hour', 'hour', 'UTC', '2025-11-21T10:15:42Z', '2025-11-21T10:00:00Z', '2025-11-21T11:00:00Z'],
  ['a day', 'day', 'UTC', '2025-11-21T10:15:42Z', '2025-11-21T00:00:00Z', '2025-11-22T00:00:00Z'],
  ['a month', 'month', 'UTC', '2025-12-31T23:59:59Z', '2025-12-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  [
    'an hour at half past',
    'hour',
    'Asia/Kolkata',
    '2025-11-21T10:15:00Z',
    '2025-11-21T09:30:00Z',
    '2025-11-21T10:30:00Z',
  ],
  [
    'a day east of Greenwich',
    'day',
    'Asia/Tokyo',
    '2025-11-21T16:00:00Z',
    '2025-11-21T15:00:00Z',
    '2025-11-22T15:00:00Z',
  ],
  [
    'a day west of it',
    'day',
    'America/New_York',
    '2025-11-21T03:00:00Z',
    '2025-11-20T05:00:00Z',
    '2025-11-21T05:00:00Z',
  ],
  [
    'a day of 25 hours',
    'day',
    'Europe/Berlin',
    '2025-10-26T12:00:00Z',
    '2025-10-25T22:00:00Z',
    '2025-10-26T23:00:00Z',
  ],
  [
    'a day of 23 hours',
    'day',
    'Europe/Berlin',
    '2025-03-30T12:00:00Z',
    '2025-03-29T23:00:00Z',
    '2025-03-30T22:00:00Z',
  ],
  [
    'a day that begins after a gap at midnight',
    'day',
    'Africa/Cairo',
    '2025-04-25T12:00:00Z',
    '2025-04-24T22:00:00Z',
    '2025-04-25T21:00:00Z',
  ],
  [
    'a month over a change of clocks',
    'month',
    'America/New_York',
    '2025-11-21T12:00:00Z',
    '2025-11-01T04:00:00Z',
    '2025-12-01T05:00:00Z',
  ],
  [
    'an unknown zone as UTC',
    'day',
    'Mars/Olympus',
    '2025-11-21T10:00:00Z',
    '2025-11-21T00:00:00Z',
    '2025-11-22T00:00:00Z',
  ],
];

describe('calendar windows', () => {
  it.each(rows)('gives %s', (_, kind, timeZone, now, start, end) => {
    const window = new Calendar().window(kind, Date.parse(now), timeZone);
    expect([new Date(window.startMs), new Date(window.endMs)]).toEqual([new Date(start), new Date(end)]);
  });

  it('follows time, also backwards', () => {
    const calendar = new Calendar();
    const noon = Date.parse('2025-11-21T12:00:00Z');
    const first = calendar.window('hour', noon);
    expect(calendar.window('hour', noon + 3_600_000).startMs).toBe(first.endMs);
    expect(calendar.window('hour', noon)).toEqual(first);
  });

  it('leaves no instant of two years without exactly one day', () => {
    for (const timeZone of ['Europe/Berlin', 'Africa/Cairo', 'America/Sao_Paulo', 'Australia/Lord_Howe']) {
      const calendar = new Calendar();
      const end = Date.parse('2026-01-01T00:00:00Z');
      for (let now = Date.parse('2024-01-01T00:00:00Z'); now < end;) {
        const window = calendar.window('day', now, timeZone);
        expect(window.startMs).toBeLessThanOrEqual(now);
        expect(window.endMs).toBeGreaterThan(now);
        now = window.endMs;
      }
    }
  });
});
