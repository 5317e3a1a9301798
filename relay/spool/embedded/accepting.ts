/** Accepting: the charge decision and every row of a message, inside one transaction. */
import { decideCharge } from '../../policy/index.ts';
import type { AcceptOptions, AcceptResult, ClaimedRecipient, NewMessage } from '../types.ts';
import type { StoreContext } from './store.ts';
import { suppressionOf } from './suppressing.ts';

export function acceptMessage(
  store: StoreContext,
  message: NewMessage,
  options: AcceptOptions,
): AcceptResult {
  const { counters } = store;
  const count = message.recipients.length;
  const decision = decideCharge(options.scopes, count, counters);
  if (decision.kind === 'refuse') return decision;
  const held = decision.kind === 'hold';
  const chargesMonth = !held || decision.chargeMonth;
  counters.charge(options.scopes, count, (kind) => !held || (kind === 'month' && chargesMonth));
  if (held)
    counters.addHeld(
      options.scopes.map((scope) => scope.key),
      count,
    );
  const hold = held ? (chargesMonth ? 'window' : 'month') : null;
  const claimed = insertMessage(store, message, { hold, chargesMonth, claim: options.claim && !held });
  const exhausted = decideCharge(options.scopes, 1, counters).kind !== 'send';
  return { kind: 'accepted', held, claimed, exhausted };
}

interface Insert {
  readonly hold: 'window' | 'month' | null;
  readonly chargesMonth: boolean;
  readonly claim: boolean;
}

export function insertMessage(store: StoreContext, message: NewMessage, how: Insert): ClaimedRecipient[] {
  const { database, claims } = store;
  const { id } = database.run(
    `INSERT INTO messages (queue_id, message_id, kind, account_id, namespace, account, username, verifier,
       envelope_from, signing_domain, header_size, size, eight_bit, smtp_utf8, dsn, accepted_at, open, body_file)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.queueId,
    message.messageId,
    message.kind,
    message.accountId,
    message.namespace,
    message.account,
    message.username,
    message.verifier,
    message.envelopeFrom,
    message.signingDomain,
    message.headerSize,
    message.size,
    Number(message.eightBit),
    Number(message.smtpUtf8),
    message.dsn ? JSON.stringify(message.dsn) : null,
    message.acceptedAt,
    message.recipients.length,
    message.body.kind === 'file' ? message.body.name : null,
  );
  if (message.body.kind === 'inline') {
    database.run('INSERT INTO bodies (message, data) VALUES (?, ?)', id, message.body.data);
  }
  const claimed: ClaimedRecipient[] = [];
  for (const address of message.recipients) {
    const recipient = insertRecipient(store, { messageRow: id, address, message, how });
    if (how.claim) {
      claims.add(recipient.id);
      claimed.push(recipient);
    }
  }
  return claimed;
}

function insertRecipient(
  { database }: StoreContext,
  entry: { messageRow: number; address: string; message: NewMessage; how: Insert },
): ClaimedRecipient {
  const { message, how, address } = entry;
  const at = message.acceptedAt;
  const expiresAt = at + message.lifetimeMs;
  const { id } = database.run(
    `INSERT INTO recipients (message, address, status, attempts, next_at, expires_at, held_for, held_at,
       month_charged, updated_at)
     VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`,
    entry.messageRow,
    address,
    how.hold ? 'held' : 'queued',
    how.hold ? null : at,
    expiresAt,
    how.hold,
    how.hold ? at : null,
    Number(how.chargesMonth),
    at,
  );
  const suppressed = how.claim ? suppressionOf(database, message, address) : undefined;
  return { id, address, attempts: 0, expiresAt, ...(suppressed !== undefined && { suppressed }) };
}
