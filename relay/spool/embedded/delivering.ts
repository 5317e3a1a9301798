/** What delivery asks of the store: due messages, their bodies, and outcomes per recipient. */
import type { Body, ClaimedMessage, ClaimedRecipient, NewMessage, Outcome } from '../types.ts';
import { type Row, toMeta } from '../rows.ts';
import { insertMessage } from './accepting.ts';
import { addEvents } from './outbox.ts';
import type { StoreContext } from './store.ts';
import { suppress } from './suppressing.ts';

export function claimDue(store: StoreContext, now: number, limit: number): ClaimedMessage[] {
  const { database, claims } = store;
  // Claimed rows stay in the index: look past them.
  const rows = database.all(
    `SELECT r.id AS recipient, r.address, r.attempts, r.expires_at, r.delay_notified,
       s.reason AS suppressed, m.*
     FROM recipients r JOIN messages m ON m.id = r.message
     LEFT JOIN suppressions s
       ON m.kind = 'submission' AND s.namespace = m.namespace AND s.recipient = lower(r.address)
     WHERE r.next_at IS NOT NULL AND r.next_at <= ? ORDER BY r.next_at LIMIT ?`,
    now,
    limit + claims.size,
  );
  const messages = new Map<string, { meta: Row; recipients: ClaimedRecipient[] }>();
  let taken = 0;
  for (const row of rows) {
    const id = Number(row.recipient);
    if (claims.has(id) || taken >= limit) continue;
    taken++;
    claims.add(id);
    const queueId = String(row.queue_id);
    const entry = messages.get(queueId) ?? { meta: row, recipients: [] };
    messages.set(queueId, entry);
    entry.recipients.push({
      id,
      address: String(row.address),
      attempts: Number(row.attempts),
      expiresAt: Number(row.expires_at),
      ...(row.delay_notified === 1 && { delayNotified: true }),
      ...(typeof row.suppressed === 'string' && { suppressed: row.suppressed }),
    });
  }
  return [...messages.values()].map(({ meta, recipients }) => ({ ...toMeta(meta), recipients }));
}

export function readBody({ database }: StoreContext, queueId: string): Body | null {
  const row = database.get(
    `SELECT m.body_file, b.data FROM messages m LEFT JOIN bodies b ON b.message = m.id WHERE m.queue_id = ?`,
    queueId,
  );
  if (typeof row?.body_file === 'string') return { kind: 'file', name: row.body_file };
  if (row?.data instanceof Uint8Array) return { kind: 'inline', data: row.data };
  return null;
}

export function nextDue({ database, claims }: StoreContext): number | null {
  const rows = database.all(
    'SELECT id, next_at FROM recipients WHERE next_at IS NOT NULL ORDER BY next_at LIMIT ?',
    claims.size + 1,
  );
  const next = rows.find((row) => !claims.has(Number(row.id)));
  return next ? Number(next.next_at) : null;
}

export function recordOutcome(store: StoreContext, outcome: Outcome): void {
  const { database, claims } = store;
  for (const recipient of outcome.recipients) {
    const { id, status, response, remoteHost, nextAttemptAt, attempted, events } = recipient;
    claims.remove(id);
    const deferred = status === 'deferred';
    const { changes } = database.run(
      `UPDATE recipients SET status = ?, attempts = attempts + ?, next_at = ?, response = ?, remote_host = ?,
         updated_at = ?, delivered_at = ?, delay_notified = COALESCE(?, delay_notified)
       WHERE id = ? AND next_at IS NOT NULL`,
      status,
      Number(attempted),
      deferred ? (nextAttemptAt ?? outcome.at) : null,
      response,
      remoteHost,
      outcome.at,
      status === 'delivered' ? outcome.at : null,
      recipient.delayNotified ? 1 : null,
      id,
    );
    if (changes > 0 && events) addEvents(store, events);
    if (changes > 0 && !deferred) closeRecipient(store, id);
  }
  suppress(store, outcome.suppress ?? []);
  if (outcome.notification) insertNotification(store, outcome.notification);
}

export function insertNotification(store: StoreContext, notification: NewMessage): void {
  insertMessage(store, notification, { hold: null, chargesMonth: true, claim: false });
}

/** One recipient less is open; the body goes with the last one. */
export function closeRecipient(store: StoreContext, recipientId: number): void {
  const { database } = store;
  const row = database.get(
    `UPDATE messages SET open = open - 1 WHERE id = (SELECT message FROM recipients WHERE id = ?)
     RETURNING id, open, body_file`,
    recipientId,
  );
  if (!row || Number(row.open) > 0) return;
  database.run('DELETE FROM bodies WHERE message = ?', Number(row.id));
  if (typeof row.body_file === 'string') {
    database.run('UPDATE messages SET body_file = NULL WHERE id = ?', Number(row.id));
    store.discardBody(row.body_file);
  }
}
