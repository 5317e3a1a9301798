/**
 * Usage as the relays count it, on its way into status.
 *
 * Flow: UsageBoard asks each open relay once a minute -> listeners -> isWorthTelling (pure) -> status.
 * Limits: figures in status are a quarter of an hour old at most, or from the moment at which 80 % or 100 % was
 * passed; exact ones come from the reports API. Polls run only where relays are open: in the process that leads.
 */
export * from './board.ts';
export * from './worth-telling.ts';
