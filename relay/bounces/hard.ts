/** Which failures say that a recipient will never take mail. Pure. */

/**
 * RFC 3463 and RFC 7505: no such mailbox, mailbox has moved, the domain takes no mail. Not 5.1.2 (a domain that has
 * lapsed comes back, and asking costs nobody anything), not 5.2.x (full, disabled for now), not 5.7.x (policy, about
 * the sender or the message), not a reply without an enhanced code.
 */
const HARD = new Set(['5.1.1', '5.1.6', '5.1.10']);

/** `status` is an enhanced code such as `5.1.1`. */
export function isHardStatus(status: string): boolean {
  return HARD.has(status);
}

/** The enhanced code of a reply such as `550 5.1.1 no such user`. */
export function statusOf(response: string): string | undefined {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
}
