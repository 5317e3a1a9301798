/** Measurements besides the rows; each yields figures. */
import type { Figures } from '../figures.ts';
import type { RowOptions } from '../rows.ts';
import { backlog } from './backlog.ts';
import { idleConnections } from './idle.ts';
import { manyAccounts } from './accounts.ts';
import { sharedDatabase } from './postgres.ts';

export const extras: Record<string, (options: RowOptions) => Promise<Figures>> = {
  backlog_rss_mb: backlog,
  idle_10k_rss_mb: idleConnections,
  push_ms: manyAccounts,
  postgres_two_vs_one: sharedDatabase,
};
