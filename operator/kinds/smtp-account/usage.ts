/** An account's usage as its status shows it. Pure. */
import type { relayApi, SmtpAccountStatus } from '../../api/index.ts';
import { timestampOf } from '../../runtime/index.ts';
import { isWorthTelling, type AccountFigures } from '../../usage/index.ts';

export type Usage = NonNullable<SmtpAccountStatus['usage']>;

/** What is told already, unless it is old or a mark was passed. */
export function usageOf(
  figures: AccountFigures | undefined,
  told: Usage | undefined,
  now: Date,
): Usage | undefined {
  if (figures === undefined) return told;
  const next = read(figures);
  if (told === undefined) return next.emails === 0 && next.lastUsedAt === undefined ? undefined : next;
  if (next.month !== told.month) return next;
  const { emails, today, limit } = next;
  const counted = [
    { used: emails, quota: limit },
    { used: today, quota: undefined },
    { used: Date.parse(next.lastUsedAt ?? '') || 0, quota: undefined },
  ];
  const before = [told.emails, told.today, Date.parse(told.lastUsedAt ?? '') || 0];
  return isWorthTelling(before, new Date(told.asOf), counted, now) ? next : told;
}

/** Last login by a client, for each verifier. */
export function lastUsesOf(figures: AccountFigures | undefined): ReadonlyMap<string, string> {
  const uses = (figures?.account.verifiers ?? []).map(
    ({ id, lastUsedAt }) => [id, timestampOf(new Date(lastUsedAt))] as const,
  );
  return new Map(uses);
}

function read({ account, asOf }: { account: relayApi.AccountUsage; asOf: string }): Usage {
  const { month, day, lastUsedAt } = account;
  return {
    month: month.since.slice(0, 7),
    emails: month.used,
    ...(month.quota === null ? {} : { limit: month.quota }),
    today: day.used,
    ...(lastUsedAt === null ? {} : { lastUsedAt: timestampOf(new Date(lastUsedAt)) }),
    asOf: timestampOf(new Date(asOf)),
  };
}
