/** What a row holds, and the figures that are made of the rows. */
import type { Layout } from './world.ts';

export interface Row {
  layout: Layout;
  count: number;
  /** Objects a second: an account with its Secret and status, written by a bare client over 20 connections; 0: not run. */
  ceilingPerSecond: number;
  /** Accounts a second, from the first create to the last Ready. */
  readyPerSecond: number;
  readySeconds: number;
  /** POST, PUT, PATCH and DELETE of the operator in the audit log, Leases excepted. */
  writes: number;
  writesPerAccount: number;
  requestsPerAccount: number;
  operatorCpuMsPerAccount: number;
  /** Highest resident set of the operator's process up to this point. */
  operatorRssMb: { atReady: number; atEnd: number };
  restartSeconds: number;
  restartWrites: number;
  rotatedPerSecond: number;
}

export type Figures = Record<string, number>;

/** Two pods give the figures without a suffix; where only the one-pod row was run they are its own. */
export function figuresOf(rows: readonly Row[]): Figures {
  const one = rows.find(({ layout }) => layout === 'one');
  const main = rows.find(({ layout }) => layout === 'two') ?? one;
  if (main === undefined) return {};
  const ratio = (name: string, row: Row | undefined): Figures =>
    row === undefined || row.ceilingPerSecond === 0
      ? {}
      : { [name]: rounded(row.readyPerSecond / row.ceilingPerSecond) };
  return {
    ...ratio('ready_vs_ceiling', main.layout === 'two' ? main : undefined),
    ...ratio('ready_vs_ceiling_one_pod', one),
    writes_per_account: main.writesPerAccount,
    operator_rss_mb: Math.max(...rows.map(({ operatorRssMb }) => operatorRssMb.atEnd)),
    restart_s: main.restartSeconds,
    restart_writes: main.restartWrites,
  };
}

export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function describeRow(row: Row): string {
  const { layout, ...values } = row;
  const pods = layout === 'one' ? 'one pod, embedded storage' : 'two pods, PostgreSQL';
  return `${pods}: ${JSON.stringify(values, undefined, 1).replaceAll(/[{}"\n]/g, '')}`;
}
