/** When to try again. Pure; jitter keeps what failed together from coming back together. */

const FIRST_MS = 30_000;
const MAX_MS = 3_600_000;
const DOWN_FIRST_MS = 1_000;
const DOWN_MAX_MS = 60_000;
/** A login that is refused will be so for a while, and trying often may lock us out there. */
const LOGIN_FIRST_MS = 15_000;
const LOGIN_MAX_MS = 300_000;

/** Delay after the `attempts`-th failed attempt of a recipient; `random` in [0, 1). */
export function retryDelay(attempts: number, random: number): number {
  return jittered(Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20)), random);
}

/** Delay before a next hop is tried again after its `failures`-th failure in a row. */
export function downDelay(failures: number, refusedLogin: boolean, random: number): number {
  const [first, max] = refusedLogin ? [LOGIN_FIRST_MS, LOGIN_MAX_MS] : [DOWN_FIRST_MS, DOWN_MAX_MS];
  return jittered(Math.min(max, first * 2 ** Math.min(failures - 1, 20)), random);
}

function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.75 + random / 2));
}
