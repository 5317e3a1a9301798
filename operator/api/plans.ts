/** The plans that users know: accounts, and emails for a month, a day and an hour. */

export interface PlanFigures {
  maxAccounts: number;
  perMonth: number;
  perDay: number;
  perHour: number;
}

export const PLAN_NAMES = ['10k', '20k', '30k'] as const;
export type PlanName = (typeof PLAN_NAMES)[number];

export const PLANS: Record<PlanName, PlanFigures> = {
  '10k': { maxAccounts: 5, perMonth: 10_000, perDay: 500, perHour: 50 },
  '20k': { maxAccounts: 10, perMonth: 20_000, perDay: 1_000, perHour: 100 },
  '30k': { maxAccounts: 15, perMonth: 30_000, perDay: 1_500, perHour: 150 },
};
