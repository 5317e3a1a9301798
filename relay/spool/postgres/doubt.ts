/** Messages whose senders were told 451 because the answer to the commit was lost: they must not go out. */
import type { Connections, Statement, Transaction } from './connections.ts';
import { chargeColumns, LOCK_COUNTERS, addToCounters, sumCharges } from './counters.ts';
import { type Prepared, RECIPIENTS } from './inserting.ts';

/**
 * A finished, empty message under the same name. It waits for the lost transaction should that still be running,
 * and makes its commit impossible; where the commit went through, nothing is written.
 */
const ENTOMB: Statement = {
  name: 'doubt-entomb',
  text: `INSERT INTO messages (queue_id, message_id, kind, account_id, namespace, account, username, verifier,
      envelope_from, signing_domain, header_size, size, eight_bit, smtp_utf8, accepted_at, open, is_large)
    SELECT q, '', 'submission', '', '', '', '', '', '', '', 0, 0, false, false, at, 0, false
    FROM unnest($1::text[], $2::bigint[]) AS d (q, at) ORDER BY q
    ON CONFLICT (queue_id) DO NOTHING RETURNING queue_id`,
};

/** Another process that has taken one up may have sent it by now. */
const FIND: Statement = {
  name: 'doubt-find',
  text: `SELECT m.queue_id, bool_and(r.attempts = 0 AND r.status IN ('queued', 'held')
      AND (r.claimed_by IS NULL OR r.claimed_by = ANY($2::bigint[]))) AS untouched
    FROM messages m JOIN LATERAL (
      SELECT * FROM recipients WHERE id >= m.id * ${RECIPIENTS} AND id < (m.id + 1) * ${RECIPIENTS} FOR UPDATE
    ) r ON true
    WHERE m.queue_id = ANY($1::text[]) GROUP BY m.queue_id`,
};

const CLEAR_RECIPIENTS: Statement = {
  name: 'doubt-clear-recipients',
  text: `DELETE FROM recipients r USING messages m WHERE m.queue_id = ANY($1::text[])
    AND r.id >= m.id * ${RECIPIENTS} AND r.id < (m.id + 1) * ${RECIPIENTS}`,
};
const CLEAR_MESSAGES: Statement = {
  name: 'doubt-clear-messages',
  text: 'UPDATE messages SET open = 0, body = NULL WHERE queue_id = ANY($1::text[])',
};

/** Takes back what of these was stored and is still ours, with what it was charged. */
export function withdraw(
  connections: Connections,
  own: readonly number[],
  doubtful: readonly Prepared[],
): Promise<void> {
  return connections.transaction(async (transaction) => {
    const charges = sumCharges(doubtful.flatMap((entry) => entry.charges));
    if (charges.length > 0) await transaction.query(LOCK_COUNTERS, chargeColumns(charges).slice(0, 3));
    const absent = await transaction.query(ENTOMB, [
      doubtful.map(({ message }) => message.queueId),
      doubtful.map(({ message }) => message.acceptedAt),
    ]);
    const never = new Set(absent.map((row) => String(row.queue_id)));
    const stored = doubtful.filter(({ message }) => !never.has(message.queueId));
    if (stored.length > 0) await takeBack(transaction, own, stored);
  });
}

async function takeBack(
  transaction: Transaction,
  own: readonly number[],
  stored: readonly Prepared[],
): Promise<void> {
  const ids = stored.map(({ message }) => message.queueId);
  const found = await transaction.query(FIND, [ids, own]);
  const untouched = new Set(found.filter((row) => row.untouched === true).map((row) => String(row.queue_id)));
  const ours = stored.filter(({ message }) => untouched.has(message.queueId));
  if (ours.length === 0) return;
  const names = ours.map(({ message }) => message.queueId);
  await transaction.query(CLEAR_RECIPIENTS, [names]);
  await transaction.query(CLEAR_MESSAGES, [names]);
  const refunds = ours.flatMap((entry) =>
    entry.charges.map((charge) => ({ ...charge, count: -charge.count })),
  );
  await addToCounters(transaction, refunds);
}
