/**
 * Signed return paths: `b+<queue id>.<recipient>.<day>.<mac>@<domain>`. Pure.
 * Only lower-case letters and digits, as some hosts change the case of local parts; at most 64 characters.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ReturnPath {
  readonly queueId: string;
  /** The store's number of the recipient. */
  readonly recipientId: number;
}

const PREFIX = 'b+';
const DAY_MS = 24 * 3_600_000;
/** 80 bits: a guess costs an SMTP transaction each. */
const MAC_BYTES = 10;

/** `expiresAt` is rounded up to a day. */
export function signReturnPath(
  key: Buffer,
  domain: string,
  path: ReturnPath & { readonly expiresAt: number },
): string {
  const day = Math.ceil(path.expiresAt / DAY_MS);
  const text = [path.queueId.toLowerCase(), path.recipientId.toString(36), day.toString(36)].join('.');
  return `${PREFIX}${text}.${mac(key, domain, text)}@${domain}`;
}

/** Undefined for every address that was not signed with this key for this domain, or whose time is over. */
export function readReturnPath(key: Buffer, address: string, nowMs: number): ReturnPath | undefined {
  const match = /^b\+(([0-9a-v]{1,32})\.([0-9a-z]{1,11})\.([0-9a-z]{1,6}))\.([0-9a-f]{20})@(.+)$/.exec(
    address.toLowerCase(),
  );
  if (!match) return undefined;
  const [, text = '', queueId = '', recipient = '', day = '', given = '', domain = ''] = match;
  if (!timingSafeEqual(Buffer.from(mac(key, domain, text)), Buffer.from(given))) return undefined;
  if (parseInt(day, 36) * DAY_MS < nowMs) return undefined;
  return { queueId: queueId.toUpperCase(), recipientId: parseInt(recipient, 36) };
}

function mac(key: Buffer, domain: string, text: string): string {
  return createHmac('sha256', key)
    .update(`return-path\0${domain.toLowerCase()}\0${text}`)
    .digest()
    .subarray(0, MAC_BYTES)
    .toString('hex');
}
