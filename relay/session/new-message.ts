/** What was taken from a client, as the store keeps it. */
import { type Account, toWireAddress } from '../policy/index.ts';
import type { NewMessage } from '../spool/index.ts';
import type { Envelope } from './client.ts';
import type { Taken } from './intake.ts';

const LIFETIME_MS = 5 * 24 * 3_600_000;

export interface Parts {
  readonly account: Account;
  /** With which the session had logged in; empty where there was none. */
  readonly verifier: string;
  readonly envelope: Envelope;
  readonly taken: Taken;
  readonly queueId: string;
  readonly acceptedAt: number;
}

export function newMessage({ account, verifier, envelope, taken, queueId, acceptedAt }: Parts): NewMessage {
  return {
    ...taken,
    queueId,
    kind: 'submission',
    accountId: account.id,
    namespace: account.namespace,
    account: account.name,
    username: account.username,
    verifier,
    envelopeFrom: toWireAddress(envelope.from) ?? envelope.from,
    smtpUtf8: envelope.smtpUtf8,
    acceptedAt,
    recipients: envelope.recipients,
    ...(envelope.dsn && { dsn: envelope.dsn }),
    lifetimeMs: LIFETIME_MS,
  };
}
