/** The suppression list: read with every accept and claim, so that it costs no call of its own. */
import type { relayApi } from '@migosmtp/operator/api';
import type { SQLInputValue } from 'node:sqlite';
import { toSuppressionPage } from '../rows.ts';
import type { MessageMeta, NewSuppression, SuppressionFilter } from '../types.ts';
import type { Database } from './database.ts';
import type { StoreContext } from './store.ts';

/** Why this message is not to be tried; undefined: it is. Only ASCII is folded, as SQLite's lower() does. */
export function suppressionOf(database: Database, message: MessageMeta, address: string): string | undefined {
  if (message.kind !== 'submission') return undefined;
  const row = database.get(
    'SELECT reason FROM suppressions WHERE namespace = ? AND recipient = lower(?)',
    message.namespace,
    address,
  );
  return row && String(row.reason);
}

export function suppress({ database }: StoreContext, entries: readonly NewSuppression[]): void {
  for (const { namespace, recipient, reason, queueId, at } of entries) {
    database.run(
      `INSERT INTO suppressions (namespace, recipient, reason, queue_id, at) VALUES (?, lower(?), ?, ?, ?)
       ON CONFLICT (namespace, recipient)
       DO UPDATE SET reason = excluded.reason, queue_id = excluded.queue_id, at = excluded.at`,
      namespace,
      recipient,
      reason,
      queueId,
      at,
    );
  }
}

export function unsuppress({ database }: StoreContext, namespace: string, recipient: string): boolean {
  const { changes } = database.run(
    'DELETE FROM suppressions WHERE namespace = ? AND recipient = lower(?)',
    namespace,
    recipient,
  );
  return changes > 0;
}

export function suppressions(
  { database }: StoreContext,
  filter: SuppressionFilter,
): relayApi.SuppressionPage {
  const conditions = ['id < ?'];
  const values: SQLInputValue[] = [
    filter.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(filter.cursor),
  ];
  if (filter.namespace !== undefined) {
    conditions.push('namespace = ?');
    values.push(filter.namespace);
  }
  if (filter.recipient !== undefined) {
    conditions.push('recipient = lower(?)');
    values.push(filter.recipient);
  }
  const rows = database.all(
    `SELECT * FROM suppressions WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ?`,
    ...values,
    filter.limit + 1,
  );
  return toSuppressionPage(rows, filter.limit);
}
