/** Deleting what nobody needs any more, a bounded amount in each transaction. */
import type { Connections, Statement } from './connections.ts';
import { RECIPIENTS } from './inserting.ts';

/** Month counters must outlive any retention that is shorter than a month. */
const COUNTERS_KEPT_MS = 62 * 24 * 3_600_000;
const SWEPT_AT_ONCE = 500;
/** No upload lasts that long: deadlines of the session see to it. */
const ORPHANED_AFTER = "interval '2 hours'";

/** Relays that sweep at once take different messages. */
const SWEEP: Statement = {
  name: 'sweep',
  text: `WITH old AS (
    SELECT id FROM messages WHERE accepted_at < $1 AND open <= 0 LIMIT ${SWEPT_AT_ONCE} FOR UPDATE SKIP LOCKED),
  addressed AS (
    DELETE FROM recipients r USING old
    WHERE r.id >= old.id * ${RECIPIENTS} AND r.id < (old.id + 1) * ${RECIPIENTS})
  DELETE FROM messages m USING old WHERE m.id = old.id RETURNING m.id`,
};
const COUNTERS: Statement = {
  name: 'sweep-counters',
  text: `DELETE FROM counters WHERE (scope, kind, start_at) IN (
    SELECT scope, kind, start_at FROM counters WHERE start_at < $1 AND kind <> 'held' ORDER BY 1, 2, 3 LIMIT 5000
    FOR UPDATE SKIP LOCKED)`,
};
/** Of a process that died while it wrote, and of messages that ended without their bodies being dropped. */
const ORPHANS: Statement = {
  name: 'sweep-bodies',
  text: `WITH gone AS (
    DELETE FROM large_bodies l WHERE l.written_at < now() - ${ORPHANED_AFTER} AND NOT EXISTS (
      SELECT 1 FROM messages m WHERE m.queue_id = l.queue_id AND m.open > 0) RETURNING queue_id)
  DELETE FROM body_chunks c USING gone WHERE c.queue_id = gone.queue_id`,
};

export async function sweep(connections: Connections, before: number, now: number): Promise<number> {
  const swept = await connections.query(SWEEP, [before]);
  await connections.query(COUNTERS, [Math.min(before, now - COUNTERS_KEPT_MS)]);
  await connections.query(ORPHANS);
  return swept.length;
}
