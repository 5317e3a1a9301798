/** The outbox: events for webhooks, taken by one process at a time. */
import type { ClaimedEvent, EventStats, OutboxEvent } from '../types.ts';
import type { Connections, Statement, Transaction } from './connections.ts';

const ADD: Statement = {
  name: 'events-add',
  text: `INSERT INTO outbox (event_id, endpoint, body, at, next_at)
    SELECT e.id, e.endpoint, e.body, e.at, e.at FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
      AS e (id, endpoint, body, at)
    ON CONFLICT (event_id, endpoint) DO NOTHING`,
};
const CLAIM: Statement = {
  name: 'events-claim',
  text: `UPDATE outbox o SET attempts = attempts + 1, next_at = $2 FROM (
      SELECT id, next_at AS due FROM outbox WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED) d
    WHERE o.id = d.id RETURNING o.id, o.event_id, o.endpoint, o.body, o.at, o.attempts, d.due`,
};
const DELETE: Statement = { name: 'events-delete', text: 'DELETE FROM outbox WHERE id = $1' };
const PUT_OFF: Statement = { name: 'events-put-off', text: 'UPDATE outbox SET next_at = $2 WHERE id = $1' };
const STATS: Statement = {
  name: 'events-stats',
  text: 'SELECT count(*) AS waiting, min(next_at) AS due FROM outbox',
};

export async function addEvents(transaction: Transaction, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return;
  await transaction.query(ADD, [
    events.map(({ id }) => id),
    events.map(({ endpoint }) => endpoint),
    events.map(({ body }) => body),
    events.map(({ at }) => at),
  ]);
}

export async function claimEvents(
  connections: Connections,
  due: { now: number; leaseUntil: number; limit: number },
): Promise<ClaimedEvent[]> {
  const rows = await connections.query(CLAIM, [due.now, due.leaseUntil, due.limit]);
  const inOrder = rows.toSorted((a, b) => Number(a.due) - Number(b.due) || Number(a.id) - Number(b.id));
  return inOrder.map((row) => ({
    row: Number(row.id),
    id: String(row.event_id),
    endpoint: String(row.endpoint),
    body: String(row.body),
    at: Number(row.at),
    attempts: Number(row.attempts),
  }));
}

export async function settleEvent(
  connections: Connections,
  row: number,
  nextAttemptAt: number | null,
): Promise<void> {
  if (nextAttemptAt === null) await connections.query(DELETE, [row]);
  else await connections.query(PUT_OFF, [row, nextAttemptAt]);
}

export async function eventStats(connections: Connections): Promise<EventStats> {
  const [row] = await connections.query(STATS);
  return { waiting: Number(row?.waiting ?? 0), nextDueAt: typeof row?.due === 'number' ? row.due : null };
}
