/**
 * Webhooks: receivers are told what becomes of mail (delivered, deferred, bounced, suppressed) and of limits reached.
 * Flow: delivery asks for the events of an outcome and the store writes both in one transaction; from that outbox they
 * are sent, signed after the Standard Webhooks specification, until taken or 24 hours old.
 * Limits: at least once, in no order; no message content; ten at a time; one that fails has its own backoff.
 */
export { Webhooks } from './webhooks.ts';
export type { ReportChange } from './events.ts';
