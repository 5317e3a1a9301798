/** The one statement that stores messages with recipients and charges, however many of them there are. */
import type { ClaimedRecipient, NewMessage } from '../types.ts';
import type { Statement, Transaction, Value } from './connections.ts';
import { type Charge, chargeColumns, sumCharges } from './counters.ts';

/** recipients.id is message id * RECIPIENTS + position. */
export const RECIPIENTS = 65_536;

/** A message as it is to be stored; what is held waits for the window or the month. */
export interface Prepared {
  readonly message: NewMessage;
  readonly hold: 'window' | 'month' | null;
  readonly chargesMonth: boolean;
  readonly claim: boolean;
  readonly charges: readonly Charge[];
}

export interface Inserted {
  readonly claimed: readonly (readonly ClaimedRecipient[])[];
  /** Scopes in which one recipient more would exceed a limit. */
  readonly full: ReadonlySet<string>;
}

/**
 * Everything in one statement: no row lock, above all none on a counter that every process charges, is ever held
 * while this process does something else. A limit exceeded raises MS001 and nothing is stored. Without a living lease
 * the recipients are stored unclaimed.
 */
const INSERT: Statement = {
  name: 'insert',
  text: `WITH lease AS (SELECT id FROM relays WHERE id = $1 FOR KEY SHARE),
  charged AS (
    INSERT INTO counters AS c (scope, kind, start_at, used)
    SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
    ON CONFLICT (scope, kind, start_at) DO UPDATE SET used = c.used + excluded.used
    RETURNING scope, kind, start_at, used),
  limited AS (
    SELECT scope, used >= most AS is_full, CASE WHEN used > most THEN over_limit() END
    FROM charged JOIN unnest($2::text[], $3::text[], $4::bigint[], $6::bigint[])
      AS l (scope, kind, start_at, most) USING (scope, kind, start_at)),
  stored AS (
    INSERT INTO messages (queue_id, message_id, kind, account_id, namespace, account, username, verifier,
      envelope_from, signing_domain, header_size, size, eight_bit, smtp_utf8, dsn, accepted_at, open, is_large, body)
    SELECT queue_id, message_id, kind, account_id, namespace, account, username, verifier, envelope_from,
      signing_domain, header_size, size, eight_bit, smtp_utf8, dsn, accepted_at, open, body_size < 0,
      CASE WHEN body_size >= 0 THEN substring($7::bytea FROM body_from FOR body_size) END
    FROM unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
      $15::text[], $16::text[], $17::text[], $18::int[], $19::bigint[], $20::bool[], $21::bool[], $22::text[],
      $23::bigint[], $24::int[], $25::int[], $26::int[])
      AS m (queue_id, message_id, kind, account_id, namespace, account, username, verifier, envelope_from,
        signing_domain, header_size, size, eight_bit, smtp_utf8, dsn, accepted_at, open, body_from, body_size)
    RETURNING id, queue_id, kind, namespace, accepted_at),
  addressed AS (
    SELECT s.id * ${RECIPIENTS} + r.position AS id, r.*, s.kind, s.namespace, s.accepted_at
    FROM stored s JOIN unnest($27::text[], $28::int[], $29::text[], $30::bigint[], $31::bool[], $32::text[],
      $33::bool[]) AS r (queue_id, position, address, expires_at, claim, held_for, month_charged) USING (queue_id)),
  received AS (
    INSERT INTO recipients (id, address, status, next_at, expires_at, claimed_by, held_for, held_at, month_charged,
      updated_at)
    SELECT id, address, CASE WHEN held_for IS NULL THEN 'queued' ELSE 'held' END,
      CASE WHEN held_for IS NULL THEN accepted_at END, expires_at,
      CASE WHEN claim THEN (SELECT id FROM lease) END,
      held_for, CASE WHEN held_for IS NOT NULL THEN accepted_at END, month_charged, accepted_at
    FROM addressed)
  SELECT s.id, s.queue_id, (SELECT count(*) FROM lease) AS leases,
    (SELECT array_agg(scope) FROM limited WHERE is_full) AS full_scopes,
    (SELECT array_agg(ARRAY[a.id::text, p.reason]) FROM addressed a JOIN suppressions p
      ON a.kind = 'submission' AND p.namespace = a.namespace AND p.recipient = lower(a.address COLLATE "C")
      ) AS suppressed
  FROM stored s`,
};

export async function insertMessages(
  transaction: Transaction,
  relay: number,
  prepared: readonly Prepared[],
): Promise<Inserted> {
  const charges = sumCharges(prepared.flatMap((entry) => entry.charges));
  const { bodies, body } = joinBodies(prepared);
  const rows = await transaction.query(INSERT, [
    relay,
    ...chargeColumns(charges),
    charges.map(({ limit }) => limit),
    body,
    ...messageColumns(prepared),
    bodies.map(({ from }) => from),
    bodies.map(({ size }) => size),
    ...recipientColumns(prepared),
  ]);
  const [first] = rows;
  const ids = new Map(rows.map((row) => [String(row.queue_id), Number(row.id)]));
  const suppressed = new Map(
    ((first?.suppressed ?? []) as [string, string][]).map(([id, why]) => [+id, why]),
  );
  const hasLease = Number(first?.leases ?? 0) > 0;
  return {
    full: new Set((first?.full_scopes ?? []) as string[]),
    claimed: prepared.map(({ message, claim }) =>
      claim && hasLease ? claimedOf(message, ids.get(message.queueId) ?? 0, suppressed) : [],
    ),
  };
}

function claimedOf(
  message: NewMessage,
  messageRow: number,
  suppressed: ReadonlyMap<number, string>,
): ClaimedRecipient[] {
  const expiresAt = message.acceptedAt + message.lifetimeMs;
  return message.recipients.map((address, position) => {
    const id = messageRow * RECIPIENTS + position;
    const why = suppressed.get(id);
    return { id, address, attempts: 0, expiresAt, ...(why !== undefined && { suppressed: why }) };
  });
}

/** One parameter for all bodies: as elements of an array each byte would be sent as two and parsed. */
function joinBodies(prepared: readonly Prepared[]) {
  const parts: Uint8Array[] = [];
  let end = 0;
  const bodies = prepared.map(({ message: { body } }) => {
    if (body.kind !== 'inline') return { from: 1, size: -1 };
    parts.push(body.data);
    const from = end + 1;
    end += body.data.length;
    return { from, size: body.data.length };
  });
  return { bodies, body: Buffer.concat(parts) };
}

function messageColumns(prepared: readonly Prepared[]): Value[] {
  const column = <T extends Value>(pick: (message: NewMessage) => T) =>
    prepared.map(({ message }) => pick(message));
  return [
    column((message) => message.queueId),
    column((message) => message.messageId),
    column((message) => message.kind),
    column((message) => message.accountId),
    column((message) => message.namespace),
    column((message) => message.account),
    column((message) => message.username),
    column((message) => message.verifier),
    column((message) => message.envelopeFrom),
    column((message) => message.signingDomain),
    column((message) => message.headerSize),
    column((message) => message.size),
    column((message) => message.eightBit),
    column((message) => message.smtpUtf8),
    column((message) => (message.dsn ? JSON.stringify(message.dsn) : null)),
    column((message) => message.acceptedAt),
    column((message) => message.recipients.length),
  ];
}

function recipientColumns(prepared: readonly Prepared[]): Value[] {
  const rows = prepared.flatMap(({ message, hold, chargesMonth, claim }) =>
    message.recipients.map((address, position) => ({
      queueId: message.queueId,
      position,
      address,
      expiresAt: message.acceptedAt + message.lifetimeMs,
      claim: claim && hold === null,
      hold,
      chargesMonth,
    })),
  );
  return [
    rows.map(({ queueId }) => queueId),
    rows.map(({ position }) => position),
    rows.map(({ address }) => address),
    rows.map(({ expiresAt }) => expiresAt),
    rows.map(({ claim }) => claim),
    rows.map(({ hold }) => hold),
    rows.map(({ chargesMonth }) => chargesMonth),
  ];
}
