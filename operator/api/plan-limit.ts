/** PlanLimit: what a workspace may have and send. Like a ResourceQuota, only admins write it. */
import { z } from 'zod';
import {
  MESSAGE_COLUMN,
  REASON_COLUMN,
  conditions,
  count,
  defineKind,
  observedGeneration,
  timestamp,
  withDefault,
  withRules,
  type KubeObject,
} from './define.ts';
import { PLAN_NAMES } from './plans.ts';
import { windowLimitSchema } from './smtp-account.ts';

const emails = z.object({
  perMonth: count(0).describe('Most emails a calendar month.').optional(),
  perDay: count(0).describe('Most emails a day.').optional(),
  perHour: count(0).describe('Most emails an hour.').optional(),
  maxHeld: count(0).describe("Most emails held for a window. Default: a day's limit.").optional(),
});

const spec = withRules(
  z.object({
    plan: z
      .enum(PLAN_NAMES)
      .describe(
        'Figures of a known plan: 10k (5 accounts; 10,000 emails a month, 500 a day, 50 an hour), 20k (10; 20,000/1,000/100), 30k (15; 30,000/1,500/150).',
      )
      .optional(),
    maxAccounts: count(0).describe("Most SmtpAccounts; replaces the plan's figure.").optional(),
    maxDomains: count(0).describe('Most VerifiedDomains.').optional(),
    emails: emails.describe("Most emails; each figure replaces the plan's.").optional(),
    timeZone: withDefault(
      z
        .string()
        .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,2}$/)
        .max(64),
      'UTC',
    )
      .describe('IANA time zone of the calendar windows, such as Europe/Berlin.')
      .optional(),
    onWindowLimit: withDefault(windowLimitSchema, 'Queue')
      .describe('Mail over an hour or day limit: Queue holds it until the window opens, Reject answers 451.')
      .optional(),
    onMonthLimit: withDefault(windowLimitSchema, 'Reject')
      .describe('Mail over the month limit: Reject answers 550, Queue holds it.')
      .optional(),
  }),
  [
    {
      cel: 'has(self.plan) || has(self.maxAccounts) || has(self.maxDomains) || has(self.emails)',
      message: 'a PlanLimit needs a plan or at least one figure (maxAccounts, maxDomains, emails)',
      check: (self) =>
        self.plan !== undefined ||
        self.maxAccounts !== undefined ||
        self.maxDomains !== undefined ||
        self.emails !== undefined,
    },
  ],
);

const figures = z.object({
  accounts: z.int().describe('SmtpAccounts.').optional(),
  domains: z.int().describe('VerifiedDomains.').optional(),
  perMonth: z.int().describe('Emails in the calendar month.').optional(),
  perDay: z.int().describe('Emails on the calendar day.').optional(),
  perHour: z.int().describe('Emails in the hour.').optional(),
});

const status = z.object({
  observedGeneration: observedGeneration().optional(),
  hard: figures.describe('What holds, plan and figures put together.').optional(),
  used: figures.describe('What is used of it; emails at most every 15 minutes.').optional(),
  period: z
    .object({
      month: z.string().describe('Month, `2026-11`.'),
      day: z.string().describe('Day, `2026-11-22`.'),
      timeZone: z.string().describe('IANA time zone of both.'),
    })
    .describe('The calendar month and day that the figures speak of.')
    .optional(),
  accounts: z.array(z.string()).describe('Accounts that have service, oldest first.').optional(),
  asOf: timestamp().describe('When usage was read.').optional(),
  conditions: conditions().optional(),
});

export const planLimit = defineKind({
  kind: 'PlanLimit',
  plural: 'planlimits',
  singular: 'planlimit',
  shortNames: ['plan'],
  description: 'Limits of a workspace: accounts, domains and emails.',
  spec,
  status,
  printerColumns: [
    { name: 'Plan', type: 'string', jsonPath: '.spec.plan' },
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    REASON_COLUMN,
    { name: 'Accounts', type: 'integer', jsonPath: '.status.used.accounts' },
    { name: 'Of', type: 'integer', jsonPath: '.status.hard.accounts' },
    { name: 'Month', type: 'integer', jsonPath: '.status.used.perMonth', priority: 1 },
    MESSAGE_COLUMN,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type PlanLimitSpec = z.infer<typeof spec>;
export type PlanLimitStatus = z.infer<typeof status>;
export type PlanLimit = KubeObject<PlanLimitSpec, PlanLimitStatus>;
