/** Outcomes of delivery, per recipient, with all that is stored together with them. */
import type { LateBounce, NewMessage, Outcome } from '../types.ts';
import type { Connections, Statement, Transaction } from './connections.ts';
import { insertMessages, RECIPIENTS } from './inserting.ts';
import { addEvents } from './outbox.ts';
import { suppress } from './suppressing.ts';

/**
 * What ended for good is so whoever says it. A deferral counts only from the process that holds the recipient:
 * another one may be sending it at this moment.
 */
const RECORD: Statement = {
  name: 'record',
  text: `WITH done AS (
    UPDATE recipients r SET status = o.status, attempts = r.attempts + o.attempted::int, next_at = o.next_at,
      claimed_by = NULL, response = o.response, remote_host = o.remote_host, updated_at = o.at,
      delivered_at = CASE WHEN o.status = 'delivered' THEN o.at END,
      delay_notified = r.delay_notified OR o.delay_notified
    FROM unnest($2::bigint[], $3::text[], $4::bool[], $5::bigint[], $6::text[], $7::text[], $8::bigint[],
      $9::bool[]) AS o (id, status, attempted, next_at, response, remote_host, at, delay_notified)
    WHERE r.id = o.id AND r.next_at IS NOT NULL
      AND (o.next_at IS NULL OR r.claimed_by IS NULL OR r.claimed_by = ANY($1::bigint[]))
    RETURNING r.id, o.next_at IS NULL AS is_closed),
  closing AS (
    SELECT id / ${RECIPIENTS} AS message, count(*) AS n FROM done WHERE is_closed GROUP BY 1),
  closed AS (
    UPDATE messages m SET open = m.open - n, body = CASE WHEN m.open > n THEN m.body END
    FROM closing c WHERE m.id = c.message
    RETURNING m.queue_id, m.is_large AND m.open <= 0 AS is_dropped),
  told AS (
    INSERT INTO outbox (event_id, endpoint, body, at, next_at)
    SELECT e.event_id, e.endpoint, e.body, e.at, e.at
    FROM unnest($10::bigint[], $11::text[], $12::text[], $13::text[], $14::bigint[])
      AS e (recipient, event_id, endpoint, body, at) JOIN done d ON d.id = e.recipient
    ON CONFLICT (event_id, endpoint) DO NOTHING)
  SELECT queue_id FROM closed WHERE is_dropped`,
};

/** Records all of these in one transaction. */
export async function recordOutcomes(
  connections: Connections,
  own: readonly number[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const notifications = outcomes.flatMap(({ notification }) => (notification ? [notification] : []));
  const suppressions = outcomes.flatMap(({ suppress }) => suppress ?? []);
  const work = async (transaction: Transaction) => {
    const rows = await transaction.query(RECORD, recordValues(own, outcomes));
    await suppress(transaction, suppressions);
    await insertNotifications(transaction, notifications);
    return rows.map((row) => String(row.queue_id));
  };
  const isPlain = notifications.length === 0 && suppressions.length === 0;
  const dropped = await (isPlain ? work(connections) : connections.transaction(work));
  // Where this fails the sweep finds them.
  if (dropped.length > 0) await dropLargeBodies(connections, dropped).catch(() => undefined);
}

function recordValues(own: readonly number[], outcomes: readonly Outcome[]) {
  const rows = outcomes.flatMap(({ at, recipients }) =>
    recipients.map((recipient) => ({ ...recipient, at })),
  );
  const events = rows.flatMap(({ id, events }) => (events ?? []).map((event) => ({ recipient: id, event })));
  return [
    own,
    rows.map(({ id }) => id),
    rows.map(({ status }) => status),
    rows.map(({ attempted }) => attempted),
    rows.map(({ status, nextAttemptAt, at }) => (status === 'deferred' ? (nextAttemptAt ?? at) : null)),
    rows.map(({ response }) => response),
    rows.map(({ remoteHost }) => remoteHost),
    rows.map(({ at }) => at),
    rows.map(({ delayNotified }) => delayNotified === true),
    events.map(({ recipient }) => recipient),
    events.map(({ event }) => event.id),
    events.map(({ event }) => event.endpoint),
    events.map(({ event }) => event.body),
    events.map(({ event }) => event.at),
  ];
}

const STORED: Statement = {
  name: 'stored',
  text: 'SELECT queue_id FROM messages WHERE queue_id = ANY($1::text[])',
};

/** One that is stored already comes from the same call, whose answer was lost. */
async function insertNotifications(
  transaction: Transaction,
  notifications: readonly NewMessage[],
): Promise<void> {
  if (notifications.length === 0) return;
  const rows = await transaction.query(STORED, [notifications.map(({ queueId }) => queueId)]);
  const stored = new Set(rows.map((row) => String(row.queue_id)));
  const missing = notifications.filter(({ queueId }) => !stored.has(queueId));
  if (missing.length === 0) return;
  const how = { hold: null, chargesMonth: true, claim: false, charges: [] };
  await insertMessages(
    transaction,
    0,
    missing.map((message) => ({ message, ...how })),
  );
}

const DROP_BODIES: Statement = {
  name: 'bodies-drop',
  text: `WITH gone AS (DELETE FROM large_bodies WHERE queue_id = ANY($1::text[]))
    DELETE FROM body_chunks WHERE queue_id = ANY($1::text[])`,
};

export async function dropLargeBodies(transaction: Transaction, queueIds: readonly string[]): Promise<void> {
  await transaction.query(DROP_BODIES, [queueIds]);
}

const BOUNCE_LATE: Statement = {
  name: 'bounce-late',
  text: `UPDATE recipients r SET status = 'bounced', response = $1, updated_at = $2
    FROM messages m WHERE r.id = $3 AND r.status = 'delivered' AND m.id = r.id / ${RECIPIENTS} AND m.queue_id = $4
    RETURNING r.id`,
};

export function recordLateBounce(connections: Connections, bounce: LateBounce): Promise<boolean> {
  return connections.transaction(async (transaction) => {
    const { response, at, recipientId, queueId } = bounce;
    const rows = await transaction.query(BOUNCE_LATE, [response, at, recipientId, queueId]);
    if (rows.length === 0) return false;
    await addEvents(transaction, bounce.events ?? []);
    await suppress(transaction, bounce.suppress ?? []);
    await insertNotifications(transaction, bounce.notification ? [bounce.notification] : []);
    return true;
  });
}
