/** Reading for people: reports, queue, counts, last logins. */
import type { relayApi } from '@migosmtp/operator/api';
import { numberOrNull, toReportPage } from '../rows.ts';
import type { CountQuery, LoginUse, QueueStats, ReportFilter } from '../types.ts';
import type { Connections, Statement, Value } from './connections.ts';
import { RECIPIENTS } from './inserting.ts';

export async function reports(connections: Connections, filter: ReportFilter): Promise<relayApi.ReportPage> {
  const values: Value[] = [];
  const conditions: string[] = [];
  const equals: [string, string | undefined][] = [
    ['m.namespace', filter.namespace],
    ['m.account', filter.account],
    ['m.queue_id', filter.queueId],
    ['m.message_id', filter.messageId],
    ['r.address', filter.recipient],
    ['r.status', filter.status],
  ];
  for (const [column, value] of equals) {
    if (value !== undefined) conditions.push(`${column} = $${values.push(value)}`);
  }
  if (filter.queuedOnly) conditions.push('(r.next_at IS NOT NULL OR r.held_for IS NOT NULL)');
  if (filter.cursor !== undefined) conditions.push(`r.id < $${values.push(Number(filter.cursor))}`);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const limit = values.push(filter.limit + 1);
  const text = `SELECT r.id AS recipient, r.address, r.status, r.attempts, r.response, r.remote_host, r.updated_at,
      r.delivered_at, m.queue_id, m.message_id, m.namespace, m.account, m.username, m.verifier, m.envelope_from,
      m.size, m.accepted_at
    FROM recipients r JOIN messages m ON m.id = r.id / ${RECIPIENTS}
      AND r.id >= m.id * ${RECIPIENTS} AND r.id < (m.id + 1) * ${RECIPIENTS}
    ${where} ORDER BY r.id DESC LIMIT $${limit}`;
  const rows = await connections.query({ name: '', text }, values);
  return toReportPage(rows, filter.limit);
}

const COUNTS: Statement = {
  name: 'counts',
  text: `SELECT coalesce(c.used, 0) AS used
    FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS q (scope, kind, start_at, position)
    LEFT JOIN counters c USING (scope, kind, start_at) ORDER BY position`,
};

export async function counts(connections: Connections, queries: readonly CountQuery[]): Promise<number[]> {
  if (queries.length === 0) return [];
  const rows = await connections.query(COUNTS, [
    queries.map(({ key }) => key),
    queries.map(({ kind }) => kind),
    queries.map(({ kind, startMs }) => (kind === 'held' ? 0 : startMs)),
  ]);
  return rows.map((row) => Number(row.used));
}

const STATS: Statement = {
  name: 'stats',
  text: `WITH queued AS (
    SELECT id, next_at FROM recipients WHERE next_at IS NOT NULL AND claimed_by IS NULL
    UNION ALL SELECT id, next_at FROM recipients WHERE claimed_by IS NOT NULL),
  totals AS (SELECT count(*) AS queued, min(id) AS first, min(next_at) AS due FROM queued)
  SELECT queued, due, (SELECT count(*) FROM recipients WHERE held_for IS NOT NULL) AS held,
    (SELECT accepted_at FROM messages WHERE id = first / ${RECIPIENTS}) AS oldest FROM totals`,
};

export async function queueStats(connections: Connections): Promise<QueueStats> {
  const [row] = await connections.query(STATS);
  return {
    queued: Number(row?.queued ?? 0),
    held: Number(row?.held ?? 0),
    oldestAcceptedAt: numberOrNull(row?.oldest),
    oldestDueAt: numberOrNull(row?.due),
  };
}

const RECORD_LOGINS: Statement = {
  name: 'logins-record',
  text: `INSERT INTO logins AS l (account_id, verifier, at)
    SELECT a, v, max(at) FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (a, v, at)
    GROUP BY a, v ORDER BY a, v
    ON CONFLICT (account_id, verifier) DO UPDATE SET at = excluded.at WHERE l.at < excluded.at`,
};
const LAST_LOGINS: Statement = {
  name: 'logins-last',
  text: 'SELECT account_id, verifier, at FROM logins ORDER BY account_id, verifier',
};

export async function recordLogins(connections: Connections, uses: readonly LoginUse[]): Promise<void> {
  await connections.query(RECORD_LOGINS, [
    uses.map(({ accountId }) => accountId),
    uses.map(({ verifier }) => verifier),
    uses.map(({ at }) => at),
  ]);
}

export async function lastLogins(connections: Connections): Promise<LoginUse[]> {
  const rows = await connections.query(LAST_LOGINS);
  return rows.map((row) => ({
    accountId: String(row.account_id),
    verifier: String(row.verifier),
    at: Number(row.at),
  }));
}
