/** Recipient addresses that could be read in two ways, or not at all, are refused where they come in. */
import { REPLIES, SmtpError } from './replies.ts';

/** RFC 5321 section 4.5.3.1: local part 64, domain 255. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;

/** `address` is what the library parsed from `<...>`. The bare `postmaster` has no domain to deliver to. */
export function checkRecipient(address: string): void {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const usable =
    at > 0 &&
    Buffer.byteLength(local) <= MAX_LOCAL &&
    Buffer.byteLength(domain) <= MAX_DOMAIN &&
    // Percent hacks and bang paths ask a later host to relay; quoted parts hide separators.
    !/[\s"<>()\\,;:[\]%!]/.test(local) &&
    domain.length > 0;
  if (!usable) throw new SmtpError(REPLIES.recipientMalformed);
}
