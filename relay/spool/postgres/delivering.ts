/** What delivery asks of the store: due messages, and their bodies. */
import type { relayApi } from '@migosmtp/operator/api';
import type { Body, ClaimedMessage, ClaimedRecipient, KnownRecipient, MessageMeta } from '../types.ts';
import { type Row, toMeta } from '../rows.ts';
import type { Connections, Statement } from './connections.ts';
import { RECIPIENTS } from './inserting.ts';

const META = `m.queue_id, m.message_id, m.kind, m.account_id, m.namespace, m.account, m.username, m.verifier,
  m.envelope_from, m.signing_domain, m.header_size, m.size, m.eight_bit, m.smtp_utf8, m.dsn, m.accepted_at`;

const CLAIM: Statement = {
  name: 'claim',
  text: `WITH lease AS (SELECT id FROM relays WHERE id = $1 FOR KEY SHARE),
  due AS (
    SELECT id FROM recipients WHERE next_at IS NOT NULL AND claimed_by IS NULL AND next_at <= $2
    ORDER BY next_at, id LIMIT $3 FOR UPDATE SKIP LOCKED),
  taken AS (
    UPDATE recipients r SET claimed_by = lease.id FROM due, lease WHERE r.id = due.id
    RETURNING r.id, r.address, r.attempts, r.expires_at, r.delay_notified, r.next_at)
  SELECT t.id AS recipient, t.address, t.attempts, t.expires_at, t.delay_notified, s.reason AS suppressed, ${META}
  FROM taken t JOIN messages m ON m.id = t.id / ${RECIPIENTS}
  LEFT JOIN suppressions s ON m.kind = 'submission' AND s.namespace = m.namespace
    AND s.recipient = lower(t.address COLLATE "C")
  ORDER BY t.next_at, t.id`,
};

export async function claimDue(
  connections: Connections,
  relay: number,
  due: { now: number; limit: number },
): Promise<ClaimedMessage[]> {
  const rows = await connections.query(CLAIM, [relay, due.now, due.limit]);
  const messages = new Map<string, { meta: MessageMeta; recipients: ClaimedRecipient[] }>();
  for (const row of rows) {
    const queueId = String(row.queue_id);
    const entry = messages.get(queueId) ?? { meta: toMeta(row), recipients: [] };
    messages.set(queueId, entry);
    entry.recipients.push(toClaimed(row));
  }
  return [...messages.values()].map(({ meta, recipients }) => ({ ...meta, recipients }));
}

function toClaimed(row: Row): ClaimedRecipient {
  return {
    id: Number(row.recipient),
    address: String(row.address),
    attempts: Number(row.attempts),
    expiresAt: Number(row.expires_at),
    ...(row.delay_notified === true && { delayNotified: true }),
    ...(typeof row.suppressed === 'string' && { suppressed: row.suppressed }),
  };
}

const READ_BODIES: Statement = {
  name: 'bodies-read',
  text: `SELECT m.queue_id, m.body, CASE WHEN l.queue_id IS NOT NULL THEN 'large' END AS kind
    FROM messages m LEFT JOIN large_bodies l ON m.is_large AND l.queue_id = m.queue_id
    WHERE m.queue_id = ANY($1::text[]) AND m.open > 0`,
  binary: true,
};

export async function readBodies(
  connections: Connections,
  queueIds: readonly string[],
): Promise<(Body | null)[]> {
  const rows = await connections.query(READ_BODIES, [queueIds]);
  const bodies = new Map<string, Body>();
  for (const row of rows) {
    const name = String(row.queue_id);
    if (row.body instanceof Uint8Array) bodies.set(name, { kind: 'inline', data: row.body });
    else if (row.kind === 'large') bodies.set(name, { kind: 'file', name });
  }
  return queueIds.map((queueId) => bodies.get(queueId) ?? null);
}

const NEXT_DUE: Statement = {
  name: 'next-due',
  text: 'SELECT min(next_at) AS next FROM recipients WHERE next_at IS NOT NULL AND claimed_by IS NULL',
};

export async function nextDue(connections: Connections): Promise<number | null> {
  const [row] = await connections.query(NEXT_DUE);
  return typeof row?.next === 'number' ? row.next : null;
}

const FIND_RECIPIENT: Statement = {
  name: 'recipient-find',
  text: `SELECT r.address, r.status, r.attempts, ${META} FROM recipients r JOIN messages m ON m.id = r.id / ${RECIPIENTS}
    WHERE r.id = $1 AND m.queue_id = $2`,
};

export async function findRecipient(
  connections: Connections,
  queueId: string,
  recipientId: number,
): Promise<KnownRecipient | null> {
  const [row] = await connections.query(FIND_RECIPIENT, [recipientId, queueId]);
  if (!row) return null;
  const status = String(row.status) as relayApi.DeliveryStatus;
  return { message: toMeta(row), address: String(row.address), status, attempts: Number(row.attempts) };
}
