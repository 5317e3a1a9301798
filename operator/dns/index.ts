/**
 * DNS as the operator needs it: queries with an honest outcome, and the grammars of the records that mail uses.
 * Flow: name -> lookup (found, absent, or failed: nobody knows) -> judge (is this record what it must be?).
 * Limits: the lookup is the only I/O here, the judges are pure; no policy (grace, schedules: kinds/verified-domain).
 */
export * from './lookup.ts';
export * from './servers.ts';
export * from './judgement.ts';
export * from './txt-records.ts';
export * from './spf.ts';
export * from './dmarc.ts';
