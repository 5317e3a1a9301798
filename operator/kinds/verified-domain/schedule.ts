/** When the records are looked at again. Pure. */

export interface ScheduleInput {
  now: Date;
  /** Since when something that Ready needs is not there; undefined: all of it is. */
  awaitedSince: Date | undefined;
  /** Something that is only warned about is not there. */
  hasWarnings: boolean;
  /** Some lookup failed: nobody knows. */
  hasUnknowns: boolean;
  /** A record that was there is absent, and will count as lost if it stays so. */
  inGrace: boolean;
  recheckMs: number;
  grace: { checks: number; periodMs: number };
}

const SHORTEST_MS = 1000;
const LONGEST_PENDING_MS = 60_000;
const UNKNOWN_MS = 30_000;

/**
 * While records are awaited, a quarter of the time waited so far, from a second to a minute: who publishes after 8 s
 * waits 2 s at most, and a domain that nobody publishes for costs a query a minute.
 */
export function nextCheckMs(input: ScheduleInput): number {
  const recheckMs = Math.max(SHORTEST_MS, input.recheckMs);
  const waits = [recheckMs];
  if (input.awaitedSince !== undefined) {
    const waitedMs = input.now.getTime() - input.awaitedSince.getTime();
    waits.push(Math.min(Math.max(waitedMs / 4, SHORTEST_MS), LONGEST_PENDING_MS));
  }
  if (input.hasWarnings) waits.push(LONGEST_PENDING_MS * 5);
  if (input.hasUnknowns) waits.push(UNKNOWN_MS);
  if (input.inGrace) waits.push(Math.max(SHORTEST_MS, input.grace.periodMs / input.grace.checks));
  return Math.min(...waits);
}
