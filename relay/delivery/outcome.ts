/** What a reply means for a recipient. Pure: replies, attempts and time in, outcomes out. */
import type { ClaimedRecipient, RecipientOutcome } from '../spool/index.ts';
import { retryDelay } from './backoff.ts';
import type { RecipientReply } from './target.ts';

export interface Moment {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** 2xx delivered, 5xx bounced, everything else tried again until the lifetime ends. */
export function outcomeOf(
  recipient: ClaimedRecipient,
  reply: Pick<RecipientReply, 'code' | 'text'> & { remoteHost: string | null },
  moment: Moment,
): RecipientOutcome {
  const base = { id: recipient.id, response: reply.text, remoteHost: reply.remoteHost, attempted: true };
  if (reply.code >= 200 && reply.code < 300) return { ...base, status: 'delivered' };
  if (reply.code >= 500 && reply.code < 600) return { ...base, status: 'bounced' };
  return deferred(recipient, base, { ...moment, delayMs: retryDelay(recipient.attempts + 1, moment.random) });
}

interface Deferral extends Moment {
  readonly delayMs: number;
}

/** Only after an attempt, so that a clock that jumps ahead expires nothing that was never tried. */
export function deferred(
  recipient: ClaimedRecipient,
  base: Omit<RecipientOutcome, 'status' | 'nextAttemptAt'>,
  { nowMs, delayMs }: Deferral,
): RecipientOutcome {
  if (base.attempted && nowMs >= recipient.expiresAt) {
    return {
      ...base,
      status: 'bounced',
      response: `554 5.4.7 Delivery time expired; last: ${base.response}`,
    };
  }
  return { ...base, status: 'deferred', nextAttemptAt: nowMs + delayMs };
}
