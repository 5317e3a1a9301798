/** What people do to the queue: retry and cancel. */
import type { Connections, Statement } from './connections.ts';
import { addToCounters, heldCharges, LOCK_COUNTERS } from './counters.ts';
import { RECIPIENTS } from './inserting.ts';
import { dropLargeBodies } from './recording.ts';

/** The recipients of one message, by its queue id in $1. */
const OF_MESSAGE = `id >= (SELECT id * ${RECIPIENTS} FROM messages WHERE queue_id = $1)
  AND id < (SELECT (id + 1) * ${RECIPIENTS} FROM messages WHERE queue_id = $1)`;

const RETRY: Statement = {
  name: 'retry',
  text: `UPDATE recipients SET next_at = $2 WHERE next_at IS NOT NULL AND ${OF_MESSAGE} RETURNING id`,
};

export async function retryMessage(connections: Connections, queueId: string, now: number): Promise<boolean> {
  return (await connections.query(RETRY, [queueId, now])).length > 0;
}

const HASTEN_AT_ONCE = 5_000;
const RETRY_ALL: Statement = {
  name: 'retry-all',
  text: `UPDATE recipients r SET next_at = $1 FROM (
      SELECT id FROM recipients WHERE next_at > $1 AND claimed_by IS NULL LIMIT ${HASTEN_AT_ONCE}
      FOR UPDATE SKIP LOCKED) d
    WHERE r.id = d.id RETURNING r.id`,
};

/** In bounded steps: a whole backlog in one statement would run into its deadline. */
export async function retryAll(connections: Connections, now: number): Promise<number> {
  let total = 0;
  for (;;) {
    const changed = (await connections.query(RETRY_ALL, [now])).length;
    total += changed;
    if (changed < HASTEN_AT_ONCE) return total;
  }
}

const FIND_OWNER: Statement = {
  name: 'cancel-owner',
  text: 'SELECT account_id, namespace FROM messages WHERE queue_id = $1',
};
const CANCEL: Statement = {
  name: 'cancel',
  text: `WITH before AS (
    SELECT id, held_for FROM recipients
    WHERE (next_at IS NOT NULL OR held_for IS NOT NULL) AND ${OF_MESSAGE} ORDER BY id FOR UPDATE),
  cancelled AS (
    UPDATE recipients r SET status = 'cancelled', next_at = NULL, claimed_by = NULL, held_for = NULL, held_at = NULL,
      updated_at = $2 FROM before b WHERE r.id = b.id RETURNING r.id),
  closed AS (
    UPDATE messages m SET open = m.open - n, body = CASE WHEN m.open > n THEN m.body END
    FROM (SELECT count(*) AS n FROM cancelled) c WHERE n > 0 AND m.queue_id = $1
    RETURNING m.is_large AND m.open <= 0 AS is_dropped)
  SELECT count(*) AS n, count(*) FILTER (WHERE held_for <> 'suspended') AS held,
    (SELECT bool_or(is_dropped) FROM closed) AS is_dropped FROM before`,
};

/** What is being delivered at this moment may still go out; its outcome then finds the row closed. */
export function cancelMessage(connections: Connections, queueId: string, now: number): Promise<boolean> {
  return connections.transaction(async (transaction) => {
    const [owner] = await transaction.query(FIND_OWNER, [queueId]);
    if (!owner) return false;
    const keys = [`a:${String(owner.account_id)}`, `w:${String(owner.namespace)}`];
    await transaction.query(LOCK_COUNTERS, [keys, ['held', 'held'], [0, 0]]);
    const [row] = await transaction.query(CANCEL, [queueId, now]);
    const scopes = keys.map((key) => ({ key }));
    await addToCounters(transaction, heldCharges(scopes, -Number(row?.held ?? 0)));
    if (row?.is_dropped === true) await dropLargeBodies(transaction, [queueId]);
    return Number(row?.n ?? 0) > 0;
  });
}
