import { describe, expect, it } from '@jest/globals';
import { chargeScopes, type Counts, decideCharge, mayRelease, refusalReply } from './charge.ts';
import type { Account, Workspace } from './directory.ts';
import { Calendar } from './windows.ts';

const nowMs = Date.parse('2025-11-21T10:15:42Z');

function scopes(limits: Partial<Account['limits']>, workspace: Partial<Workspace> = {}) {
  const account: Account = {
    id: 'a',
    namespace: 'shop',
    name: 'checkout',
    username: 'u',
    verifiers: [],
    allowedSenders: [],
    limits: { onWindowLimit: 'Queue', ...limits },
    suspended: false,
  };
  const plan: Workspace = {
    namespace: 'shop',
    plan: '10k',
    timeZone: 'UTC',
    onWindowLimit: 'Queue',
    onMonthLimit: 'Reject',
    ...workspace,
  };
  return chargeScopes(account, plan, { calendar: new Calendar(), nowMs });
}

/** `used` of each window by kind, the same for account and workspace. */
function counts(used: Record<string, number>, held = 0): Counts {
  return { used: (_, kind) => used[kind] ?? 0, held: () => held };
}

type Row = [string, Parameters<typeof scopes>, number, Counts, string];

const rows: Row[] = [
  ['without limits everything goes', [{}], 1_000, counts({ day: 1e9 }), 'send'],
  ['the last one of a window goes', [{ perHour: 5 }], 1, counts({ hour: 4 }), 'send'],
  ['one more is held', [{ perHour: 5 }], 1, counts({ hour: 5 }), 'hold and charge the month'],
  ['all recipients or none', [{ perHour: 5 }], 2, counts({ hour: 4 }), 'hold and charge the month'],
  [
    'an account that rejects refuses',
    [{ perHour: 5, onWindowLimit: 'Reject' }],
    1,
    counts({ hour: 5 }),
    '451 account 5 per hour',
  ],
  ['a full month refuses', [{}, { perMonth: 9 }], 1, counts({ month: 9 }), '550 plan 10k 9 per month'],
  ['an account’s full month refuses', [{ perMonth: 9 }], 1, counts({ month: 9 }), '550 account 9 per month'],
  [
    'a month that queues is held and not charged',
    [{}, { perMonth: 9, onMonthLimit: 'Queue' }],
    1,
    counts({ month: 9 }),
    'hold',
  ],
  [
    'the month is named before the hour',
    [{}, { perMonth: 9, perHour: 1, onWindowLimit: 'Reject' }],
    1,
    counts({ month: 9, hour: 1 }),
    '550 plan 10k 9 per month',
  ],
  [
    'reject wins over queue',
    [{ perHour: 1 }, { perDay: 1, onWindowLimit: 'Reject' }],
    1,
    counts({ hour: 1, day: 1 }),
    '451 plan 10k 1 per day',
  ],
  [
    'what is held is capped at a day',
    [{}, { perDay: 3 }],
    1,
    counts({ day: 3 }, 3),
    '451 plan 10k 3 per day',
  ],
  ['or at maxHeld', [{}, { perDay: 3, maxHeld: 10 }], 1, counts({ day: 3 }, 9), 'hold and charge the month'],
  [
    'a plan without a name',
    [{}, { plan: undefined, perMonth: 1 }],
    1,
    counts({ month: 1 }),
    '550 workspace 1 per month',
  ],
];

describe('charge', () => {
  it.each(rows)('%s', (_, setup, count, current, expected) => {
    const decision = decideCharge(scopes(...setup), count, current);
    if (decision.kind !== 'refuse') {
      const charged = decision.kind === 'hold' && decision.chargeMonth ? ' and charge the month' : '';
      expect(decision.kind + charged).toBe(expected);
    } else {
      const { code } = refusalReply(decision);
      expect(`${code} ${decision.label} ${decision.limit} per ${decision.window}`).toBe(expected);
    }
  });

  it('says when to try again, in the words that clients parse', () => {
    const decision = decideCharge(scopes({ perHour: 5, onWindowLimit: 'Reject' }), 1, counts({ hour: 5 }));
    if (decision.kind !== 'refuse') throw new Error('expected a refusal');
    expect(refusalReply(decision)).toEqual({
      code: 451,
      enhanced: '4.7.1',
      text: 'account limit of 5 per hour reached, try again after 2025-11-21T11:00:00Z',
    });
  });

  it('releases one recipient where every window has room, the month only if it was not paid', () => {
    expect(mayRelease(scopes({ perHour: 5 }), true, counts({ hour: 4 }))).toBe(true);
    expect(mayRelease(scopes({ perHour: 5 }), true, counts({ hour: 5 }))).toBe(false);
    expect(mayRelease(scopes({ perMonth: 5 }), true, counts({ month: 5 }))).toBe(true);
    expect(mayRelease(scopes({ perMonth: 5 }), false, counts({ month: 5 }))).toBe(false);
  });
});
