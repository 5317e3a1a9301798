/** What comes back after delivery: a recipient found again by its id, and its state put right. */
import type { relayApi } from '@migosmtp/operator/api';
import { toMeta } from '../rows.ts';
import type { KnownRecipient, LateBounce } from '../types.ts';
import { insertNotification } from './delivering.ts';
import { addEvents } from './outbox.ts';
import type { StoreContext } from './store.ts';
import { suppress } from './suppressing.ts';

export function findRecipient(
  { database }: StoreContext,
  queueId: string,
  recipientId: number,
): KnownRecipient | null {
  const row = database.get(
    `SELECT r.address, r.status, r.attempts, m.* FROM recipients r JOIN messages m ON m.id = r.message
     WHERE r.id = ? AND m.queue_id = ?`,
    recipientId,
    queueId,
  );
  if (!row) return null;
  return {
    message: toMeta(row),
    address: String(row.address),
    status: String(row.status) as relayApi.DeliveryStatus,
    attempts: Number(row.attempts),
  };
}

export function recordLateBounce(store: StoreContext, bounce: LateBounce): boolean {
  const { changes } = store.database.run(
    `UPDATE recipients SET status = 'bounced', response = ?, updated_at = ?
     WHERE id = ? AND status = 'delivered' AND message = (SELECT id FROM messages WHERE queue_id = ?)`,
    bounce.response,
    bounce.at,
    bounce.recipientId,
    bounce.queueId,
  );
  if (changes === 0) return false;
  addEvents(store, bounce.events ?? []);
  suppress(store, bounce.suppress ?? []);
  if (bounce.notification) insertNotification(store, bounce.notification);
  return true;
}
