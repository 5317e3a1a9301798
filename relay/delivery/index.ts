/**
 * Sends what was accepted: to a smarthost or to MX hosts, signed, until each recipient has an outcome.
 * Flow: take (straight from accept) or claim (from the store) -> sign in a worker -> pooled connection ->
 * outcome per recipient, recorded; a bounce notification in the same transaction.
 * Limits: an unknown outcome is tried again with the same Message-ID; a next hop that refuses our login or is
 * away holds the queue and never bounces it.
 */
export { Delivery } from './delivery.ts';
export { HeldMail } from './held.ts';
export { Signer } from './signer.ts';
