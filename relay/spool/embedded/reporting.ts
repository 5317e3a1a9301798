/** Reading for people: reports, queue, counts; and their own actions, retry and cancel. */
import type { relayApi } from '@migosmtp/operator/api';
import type { SQLInputValue } from 'node:sqlite';
import { numberOrNull, toReportPage } from '../rows.ts';
import type { CountQuery, LoginUse, QueueStats, ReportFilter } from '../types.ts';
import { closeRecipient } from './delivering.ts';
import type { StoreContext } from './store.ts';

export function reports({ database }: StoreContext, filter: ReportFilter): relayApi.ReportPage {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const equals: [string, string | undefined][] = [
    ['m.namespace', filter.namespace],
    ['m.account', filter.account],
    ['m.queue_id', filter.queueId],
    ['m.message_id', filter.messageId],
    ['r.address', filter.recipient],
    ['r.status', filter.status],
  ];
  for (const [column, value] of equals) {
    if (value === undefined) continue;
    conditions.push(`${column} = ?`);
    values.push(value);
  }
  if (filter.queuedOnly) conditions.push("r.status IN ('queued', 'held', 'deferred')");
  if (filter.cursor !== undefined) {
    conditions.push('r.id < ?');
    values.push(Number(filter.cursor));
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const rows = database.all(
    `SELECT r.id AS recipient, r.address, r.status, r.attempts, r.response, r.remote_host, r.updated_at,
       r.delivered_at, m.* FROM recipients r JOIN messages m ON m.id = r.message
     ${where} ORDER BY r.id DESC LIMIT ?`,
    ...values,
    filter.limit + 1,
  );
  return toReportPage(rows, filter.limit);
}

export function counts({ counters }: StoreContext, queries: readonly CountQuery[]): number[] {
  return queries.map(({ key, kind, startMs }) =>
    kind === 'held' ? counters.held(key) : counters.used(key, kind, startMs),
  );
}

export function queueStats({ database }: StoreContext): QueueStats {
  const queued = database.get(
    'SELECT COUNT(*) AS n, MIN(id) AS first FROM recipients WHERE next_at IS NOT NULL',
  );
  const held = database.get('SELECT COUNT(*) AS n FROM recipients WHERE held_for IS NOT NULL');
  const oldest =
    queued?.first === null || queued?.first === undefined
      ? undefined
      : database.get(
          'SELECT accepted_at FROM messages WHERE id = (SELECT message FROM recipients WHERE id = ?)',
          Number(queued.first),
        );
  return {
    queued: Number(queued?.n ?? 0),
    held: Number(held?.n ?? 0),
    oldestAcceptedAt: oldest ? Number(oldest.accepted_at) : null,
    oldestDueAt: numberOrNull(
      database.get('SELECT MIN(next_at) AS at FROM recipients WHERE next_at IS NOT NULL')?.at,
    ),
  };
}

export function recordLogins({ database }: StoreContext, uses: readonly LoginUse[]): void {
  for (const { accountId, verifier, at } of uses) {
    database.run(
      `INSERT INTO logins (account_id, verifier, at) VALUES (?, ?, ?)
       ON CONFLICT (account_id, verifier) DO UPDATE SET at = MAX(at, excluded.at)`,
      accountId,
      verifier,
      at,
    );
  }
}

export function lastLogins({ database }: StoreContext): LoginUse[] {
  return database.all('SELECT account_id, verifier, at FROM logins').map((row) => ({
    accountId: String(row.account_id),
    verifier: String(row.verifier),
    at: Number(row.at),
  }));
}

export function retryMessage({ database }: StoreContext, queueId: string, now: number): boolean {
  return (
    database.run(
      `UPDATE recipients SET next_at = ? WHERE next_at IS NOT NULL
       AND message = (SELECT id FROM messages WHERE queue_id = ?)`,
      now,
      queueId,
    ).changes > 0
  );
}

export function retryAll({ database }: StoreContext, now: number): number {
  return database.run('UPDATE recipients SET next_at = ? WHERE next_at > ?', now, now).changes;
}

/** What is being delivered at this moment may still go out; its outcome then finds the row closed. */
export function cancelMessage(store: StoreContext, queueId: string, now: number): boolean {
  const rows = store.database.all(
    `UPDATE recipients SET status = 'cancelled', next_at = NULL, held_for = NULL, held_at = NULL, updated_at = ?
     WHERE status IN ('queued', 'held', 'deferred') AND message = (SELECT id FROM messages WHERE queue_id = ?)
     RETURNING id`,
    now,
    queueId,
  );
  for (const row of rows) closeRecipient(store, Number(row.id));
  store.counters.forgetHeld();
  return rows.length > 0;
}

/** Month counters must outlive any retention that is shorter than a month. */
const COUNTERS_KEPT_MS = 62 * 24 * 3_600_000;
const SWEPT_AT_ONCE = 500;

export function sweep({ database }: StoreContext, before: number, now: number): number {
  const rows = database.all(
    'SELECT id FROM messages WHERE open = 0 AND accepted_at < ? ORDER BY id LIMIT ?',
    before,
    SWEPT_AT_ONCE,
  );
  for (const row of rows) {
    database.run('DELETE FROM recipients WHERE message = ?', Number(row.id));
    database.run('DELETE FROM messages WHERE id = ?', Number(row.id));
  }
  database.run('DELETE FROM counters WHERE start_at < ?', Math.min(before, now - COUNTERS_KEPT_MS));
  return rows.length;
}
