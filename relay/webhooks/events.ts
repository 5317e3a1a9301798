/** What webhooks are told: one event for each change of a report, and one for each limit that is reached. Pure. */
import type { relayApi } from '@migosmtp/operator/api';
import type { ChargeScope, ChargeWindow } from '../policy/index.ts';
import type { ClaimedRecipient, MessageMeta, OutboxEvent, RecipientOutcome } from '../spool/index.ts';

/** `type` of a body for each event that a webhook may ask for. */
export const EVENT_TYPES = {
  Delivered: 'message.delivered',
  Deferred: 'message.deferred',
  Bounced: 'message.bounced',
  Suppressed: 'message.suppressed',
  LimitReached: 'limit.reached',
} as const satisfies Record<relayApi.WebhookEvent, string>;

const OF_STATUS = {
  delivered: 'Delivered',
  deferred: 'Deferred',
  bounced: 'Bounced',
  suppressed: 'Suppressed',
} as const satisfies Record<RecipientOutcome['status'], relayApi.WebhookEvent>;

export type Wanted = Pick<relayApi.Webhook, 'name' | 'events'>;

export interface ReportChange {
  readonly message: MessageMeta;
  readonly recipient: Pick<ClaimedRecipient, 'id' | 'address' | 'attempts'>;
  readonly outcome: RecipientOutcome;
  readonly at: number;
}

/** One for each webhook that wants it. Nothing of the message's content. */
export function reportEvents(webhooks: readonly Wanted[], change: ReportChange): OutboxEvent[] {
  const { message, recipient, outcome, at } = change;
  const event = OF_STATUS[outcome.status];
  const takers = webhooks.filter(({ events }) => events.includes(event));
  // Bounces that the relay writes itself are nobody's mail. A next hop that is down was not asked: no news.
  if (takers.length === 0 || message.kind === 'dsn' || isNoNews(outcome)) return [];
  const attempts = recipient.attempts + Number(outcome.attempted);
  const body = bodyOf(event, at, {
    queueId: message.queueId,
    messageId: message.messageId,
    namespace: message.namespace,
    account: message.account,
    username: message.username,
    envelopeFrom: message.envelopeFrom,
    recipient: recipient.address,
    size: message.size,
    status: outcome.status,
    attempts,
    response: outcome.response,
    remoteHost: outcome.remoteHost,
    acceptedAt: iso(message.acceptedAt),
    nextAttemptAt: outcome.nextAttemptAt === undefined ? null : iso(outcome.nextAttemptAt),
  });
  // The same again when an outcome is recorded anew after a fault: the store and receivers know it by that.
  const id = `evt_${message.queueId}_${recipient.id}_${event.toLowerCase()}_${attempts}`;
  return takers.map(({ name }) => ({ id, endpoint: name, body, at }));
}

function isNoNews({ status, attempted }: RecipientOutcome): boolean {
  return status === 'deferred' && !attempted;
}

export interface ReachedLimit {
  readonly scope: ChargeScope;
  readonly window: ChargeWindow;
  readonly limit: number;
  readonly used: number;
  readonly namespace: string;
  readonly account: string;
}

export function limitEvents(webhooks: readonly Wanted[], reached: ReachedLimit, at: number): OutboxEvent[] {
  const takers = webhooks.filter(({ events }) => events.includes('LimitReached'));
  if (takers.length === 0) return [];
  const { scope, window, limit, used, namespace, account } = reached;
  const isAccount = scope.key.startsWith('a:');
  const body = bodyOf('LimitReached', at, {
    scope: isAccount ? 'account' : 'workspace',
    namespace,
    account: isAccount ? account : null,
    label: scope.label,
    window: window.kind,
    limit,
    used,
    windowStart: iso(window.startMs),
    windowEnd: iso(window.endMs),
  });
  const id = limitId(scope, window);
  return takers.map(({ name }) => ({ id, endpoint: name, body, at }));
}

/** One event for each limit and window, whichever replica sees it first. */
export function limitId(scope: ChargeScope, window: ChargeWindow): string {
  return `evt_limit_${scope.key}_${window.kind}_${window.startMs}_${window.limit ?? 0}`;
}

function bodyOf(event: relayApi.WebhookEvent, at: number, data: object): string {
  return JSON.stringify({ type: EVENT_TYPES[event], timestamp: iso(at), data });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
