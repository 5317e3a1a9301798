/** The figures: what they are computed from, their goals and their floors. Pure. */
import type { Row } from './rows.ts';

interface Bound {
  readonly atLeast?: number;
  readonly below?: number;
  readonly atMost?: number;
}

export interface FigureDefinition {
  readonly name: string;
  readonly meaning: string;
  readonly goal: Bound;
  /** Must hold; undefined: only the goal stands. */
  readonly floor?: Bound;
}

/** In the order of the benchmark's definition. */
export const FIGURES: readonly FigureDefinition[] = [
  {
    name: 'accept_vs_bare_5k',
    meaning: 'durable accepts over those of discarding smtp-server, 5 KB, 50 connections',
    goal: { atLeast: 0.85 },
    floor: { atLeast: 0.7 },
  },
  {
    name: 'accept_vs_bare_100k',
    meaning: 'the same with 100 KB',
    goal: { atLeast: 1 },
  },
  {
    name: 'deliver_vs_postfix_many',
    meaning: 'accept and deliver over Postfix, 5 KB, 50 connections, 50 messages on each',
    goal: { atLeast: 4 },
    floor: { atLeast: 2 },
  },
  {
    name: 'deliver_vs_haraka_many',
    meaning: 'the same over Haraka',
    goal: { atLeast: 5 },
    floor: { atLeast: 2.5 },
  },
  {
    name: 'deliver_vs_postfix_single',
    meaning: 'accept and deliver over Postfix, 5 KB, 10 connections, one message on each',
    goal: { atLeast: 2 },
    floor: { atLeast: 1.5 },
  },
  {
    name: 'deliver_vs_postfix_many_dkim',
    meaning: 'as deliver_vs_postfix_many, both signing with RSA-2048',
    goal: { atLeast: 3 },
  },
  {
    name: 'cpu_vs_postfix_many',
    meaning: 'CPU of a message over that of Postfix, many on a connection',
    goal: { atMost: 0.25 },
    floor: { atMost: 1 / 3 },
  },
  { name: 'cpu_vs_postfix_many_dkim', meaning: 'the same, both signing', goal: { atMost: 0.4 } },
  {
    name: 'cpu_vs_postfix_single',
    meaning: 'the same, one message on a connection',
    goal: { atMost: 0.5 },
    floor: { atMost: 2 / 3 },
  },
  { name: 'p99_ms_c50', meaning: 'p99 of 250 at 50 connections, delivering, ms', goal: { atMost: 60 } },
  { name: 'p99_vs_postfix', meaning: 'the same over Postfix', goal: { below: 1 } },
  {
    name: 'sessions_vs_bare',
    meaning: 'sessions with one accepted message over those of discarding smtp-server, 10 at once',
    goal: { atLeast: 0.9 },
  },
  {
    name: 'backlog_rss_mb',
    meaning: 'peak memory while 100,000 queued messages are delivered, MB',
    goal: { below: 400 },
  },
  {
    name: 'idle_10k_rss_mb',
    meaning: 'memory more with 10,000 idle connections after TLS and AUTH, MB',
    goal: { below: 700 },
  },
  { name: 'accounts_10k_mb', meaning: 'memory more with 10,000 accounts, MB', goal: { below: 20 } },
  {
    name: 'push_ms',
    meaning: 'push of one account among 10,000 until it is in force, ms',
    goal: { below: 20 },
  },
  {
    name: 'postgres_two_vs_one',
    meaning: 'accepts of two relay processes on one PostgreSQL over those of one',
    goal: { atLeast: 0.95 },
  },
  {
    name: 'postgres_cpu_two_vs_one',
    meaning: 'CPU of a message, two processes over one',
    goal: { atMost: 1.15 },
  },
];

export type Figures = Readonly<Record<string, number>>;

/** Those that the rows at hand allow; what was not run is absent. */
export function figuresOf(rows: readonly Row[]): Figures {
  const rate = (scenario: string, subject: string) => find(rows, scenario, subject)?.messagesPerSecond.median;
  const cpu = (scenario: string, subject: string) => find(rows, scenario, subject)?.cpuMsPerMessage.median;
  const p99 = (scenario: string, subject: string) => find(rows, scenario, subject)?.p99Ms.median;
  const [many, single, signed] = ['deliver-5k-many-c50', 'deliver-5k-single-c10', 'deliver-5k-many-c50-dkim'];
  return present({
    accept_vs_bare_5k: over(rate('accept-5k-many-c50', 'relay'), rate('accept-5k-many-c50', 'bare')),
    accept_vs_bare_100k: over(rate('accept-100k-many-c50', 'relay'), rate('accept-100k-many-c50', 'bare')),
    deliver_vs_postfix_many: over(rate(many, 'relay'), rate(many, 'postfix')),
    deliver_vs_haraka_many: over(rate(many, 'relay'), rate(many, 'haraka')),
    deliver_vs_postfix_single: over(rate(single, 'relay'), rate(single, 'postfix')),
    deliver_vs_postfix_many_dkim: over(rate(signed, 'relay'), rate(signed, 'postfix')),
    cpu_vs_postfix_many: over(cpu(many, 'relay'), cpu(many, 'postfix')),
    cpu_vs_postfix_many_dkim: over(cpu(signed, 'relay'), cpu(signed, 'postfix')),
    cpu_vs_postfix_single: over(cpu(single, 'relay'), cpu(single, 'postfix')),
    p99_ms_c50: p99(many, 'relay'),
    p99_vs_postfix: over(p99(many, 'relay'), p99(many, 'postfix')),
    sessions_vs_bare: over(rate('accept-5k-single-c10', 'relay'), rate('accept-5k-single-c10', 'bare')),
  });
}

function find(rows: readonly Row[], scenario: string, subject: string): Row | undefined {
  return rows.find((row) => row.scenario === scenario && row.subject === subject);
}

function over(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function present(values: Record<string, number | undefined>): Figures {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

export function holds(value: number, { atLeast, atMost, below }: Bound): boolean {
  return (
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost) &&
    (below === undefined || value < below)
  );
}

export function describeBound({ atLeast, atMost, below }: Bound): string {
  if (atLeast !== undefined) return `>= ${round(atLeast)}`;
  return atMost !== undefined ? `<= ${round(atMost)}` : `< ${round(below ?? NaN)}`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
