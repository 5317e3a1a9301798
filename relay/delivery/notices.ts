/** Who is told what after an attempt (RFC 3461 section 5.2). Pure. */
import { isHardStatus, statusOf } from '../bounces/hard.ts';
import type { ClaimedMessage, ClaimedRecipient, NewSuppression, RecipientOutcome } from '../spool/index.ts';

/** The sender is told once that delivery takes long. */
export const DELAY_AFTER_MS = 4 * 3_600_000;

export interface Notice {
  readonly recipient: ClaimedRecipient;
  readonly action: 'failed' | 'delayed' | 'relayed';
  readonly outcome: RecipientOutcome;
}

export interface AttemptFacts {
  readonly nowMs: number;
  /** The next hop has taken the request for notifications over: a success is its to report. */
  readonly dsnPassed: boolean;
}

export function noticesOf(
  message: ClaimedMessage,
  outcomes: readonly RecipientOutcome[],
  facts: AttemptFacts,
): Notice[] {
  const byId = new Map(message.recipients.map((recipient) => [recipient.id, recipient]));
  return outcomes.flatMap((outcome) => {
    const recipient = byId.get(outcome.id);
    if (!recipient) return [];
    const action = actionOf(message, recipient, outcome, facts);
    return action ? [{ recipient, action, outcome }] : [];
  });
}

function actionOf(
  message: ClaimedMessage,
  recipient: ClaimedRecipient,
  { status }: RecipientOutcome,
  { nowMs, dsnPassed }: AttemptFacts,
): Notice['action'] | undefined {
  const notify = message.dsn?.recipients[recipient.address]?.notify ?? ['FAILURE', 'DELAY'];
  switch (status) {
    case 'bounced':
    case 'suppressed':
      return notify.includes('FAILURE') ? 'failed' : undefined;
    case 'delivered':
      return notify.includes('SUCCESS') && !dsnPassed ? 'relayed' : undefined;
    case 'deferred': {
      const isLate = nowMs - message.acceptedAt >= DELAY_AFTER_MS;
      return isLate && !recipient.delayNotified && notify.includes('DELAY') ? 'delayed' : undefined;
    }
  }
}

/** Recipients that this message's workspace shall not try again; what the relay itself sends condemns nobody. */
export function suppressionsOf(
  message: ClaimedMessage,
  outcomes: readonly RecipientOutcome[],
  at: number,
): NewSuppression[] {
  if (message.kind !== 'submission') return [];
  const addresses = new Map(message.recipients.map((recipient) => [recipient.id, recipient.address]));
  const { namespace, queueId } = message;
  return outcomes
    .filter(({ status, response }) => status === 'bounced' && isHardStatus(statusOf(response) ?? ''))
    .map(({ id, response }) => ({
      namespace,
      recipient: addresses.get(id) ?? '',
      reason: response,
      queueId,
      at,
    }));
}
