/** The outbox: events for webhooks, written with the report that they tell of, deleted once they were taken. */
import type { ClaimedEvent, EventStats, OutboxEvent } from '../types.ts';
import type { StoreContext } from './store.ts';

export function addEvents({ database }: StoreContext, events: readonly OutboxEvent[]): void {
  for (const { id, endpoint, body, at } of events) {
    database.run(
      `INSERT INTO outbox (event_id, endpoint, body, at, attempts, next_at) VALUES (?, ?, ?, ?, 0, ?)
       ON CONFLICT (event_id, endpoint) DO NOTHING`,
      id,
      endpoint,
      body,
      at,
      at,
    );
  }
}

export function claimEvents(
  { database }: StoreContext,
  now: number,
  leaseUntil: number,
  limit: number,
): ClaimedEvent[] {
  const rows = database.all(
    'SELECT id, event_id, endpoint, body, at, attempts FROM outbox WHERE next_at <= ? ORDER BY next_at LIMIT ?',
    now,
    limit,
  );
  return rows.map((row) => {
    const attempts = Number(row.attempts) + 1;
    const id = Number(row.id);
    database.run('UPDATE outbox SET attempts = ?, next_at = ? WHERE id = ?', attempts, leaseUntil, id);
    return {
      row: id,
      id: String(row.event_id),
      endpoint: String(row.endpoint),
      body: String(row.body),
      at: Number(row.at),
      attempts,
    };
  });
}

export function settleEvent({ database }: StoreContext, row: number, nextAttemptAt: number | null): void {
  if (nextAttemptAt === null) database.run('DELETE FROM outbox WHERE id = ?', row);
  else database.run('UPDATE outbox SET next_at = ? WHERE id = ?', nextAttemptAt, row);
}

export function eventStats({ database }: StoreContext): EventStats {
  const row = database.get('SELECT COUNT(*) AS n, MIN(next_at) AS due FROM outbox');
  const due = row?.due;
  return { waiting: Number(row?.n ?? 0), nextDueAt: typeof due === 'number' ? due : null };
}
