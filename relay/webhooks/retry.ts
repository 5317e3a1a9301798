/** When a webhook is asked again, and when an event is given up. Pure. */

const FIRST_MS = 5_000;
const MAX_MS = 3_600_000;
/** An event older than this is not sent any more: what it tells is in the reports. */
export const GIVE_UP_MS = 24 * 3_600_000;

/** Delay after the `failures`-th failure in a row; `random` in [0, 1). */
export function retryDelay(failures: number, random: number): number {
  const delay = Math.min(MAX_MS, FIRST_MS * 3 ** Math.min(failures - 1, 10));
  return Math.round(delay * (0.75 + random / 2));
}

export type Verdict = 'taken' | 'refused' | 'failed';

/** 2xx takes it; 410 says that nobody wants it any more; anything else, redirects too, is tried again. */
export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'taken';
  return status === 410 ? 'refused' : 'failed';
}
