/** The suppression list; accept and claim read it in their own statements. */
import type { relayApi } from '@migosmtp/operator/api';
import { toSuppressionPage } from '../rows.ts';
import type { NewSuppression, SuppressionFilter } from '../types.ts';
import type { Connections, Statement, Transaction, Value } from './connections.ts';

/** Collation C folds ASCII only, as the embedded store does. One statement cannot change a row twice. */
const ADD: Statement = {
  name: 'suppress',
  text: `INSERT INTO suppressions (namespace, recipient, reason, queue_id, at)
    SELECT n, a, reason, queue_id, at FROM (
      SELECT DISTINCT ON (n, lower(r COLLATE "C")) n, lower(r COLLATE "C") AS a, reason, queue_id, at, position
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
        WITH ORDINALITY AS u (n, r, reason, queue_id, at, position)
      ORDER BY n, lower(r COLLATE "C"), position DESC) f
    ORDER BY position
    ON CONFLICT (namespace, recipient)
    DO UPDATE SET reason = excluded.reason, queue_id = excluded.queue_id, at = excluded.at`,
};
const REMOVE: Statement = {
  name: 'unsuppress',
  text: `DELETE FROM suppressions WHERE namespace = $1 AND recipient = lower($2 COLLATE "C") RETURNING id`,
};

export async function suppress(transaction: Transaction, entries: readonly NewSuppression[]): Promise<void> {
  if (entries.length === 0) return;
  await transaction.query(ADD, [
    entries.map(({ namespace }) => namespace),
    entries.map(({ recipient }) => recipient),
    entries.map(({ reason }) => reason),
    entries.map(({ queueId }) => queueId),
    entries.map(({ at }) => at),
  ]);
}

export async function unsuppress(
  connections: Connections,
  namespace: string,
  recipient: string,
): Promise<boolean> {
  return (await connections.query(REMOVE, [namespace, recipient])).length > 0;
}

export async function suppressions(
  connections: Connections,
  filter: SuppressionFilter,
): Promise<relayApi.SuppressionPage> {
  const values: Value[] = [filter.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(filter.cursor)];
  const conditions = ['id < $1'];
  if (filter.namespace !== undefined) conditions.push(`namespace = $${values.push(filter.namespace)}`);
  if (filter.recipient !== undefined) {
    conditions.push(`recipient = lower($${values.push(filter.recipient)} COLLATE "C")`);
  }
  const limit = values.push(filter.limit + 1);
  const text = `SELECT * FROM suppressions WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT $${limit}`;
  const rows = await connections.query({ name: '', text }, values);
  return toSuppressionPage(rows, filter.limit);
}
