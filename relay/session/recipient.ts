/** Recipient addresses that could be read in two ways, or not at all, are refused where they come in. */
import { toWireAddress } from '../policy/index.ts';
import { REPLIES, SmtpError } from './replies.ts';

/** RFC 5321 section 4.5.3.1: local part 64, domain 255. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;

/**
 * The address as it is sent on: domain in lower case and A-labels. `address` is what the library parsed from
 * `<...>`; the bare `postmaster` has no domain to deliver to. Throws SmtpError.
 */
export function wireRecipient(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const isLiteral = /@\[[\w.:]+\]$/.test(address);
  const wire = isLiteral ? address : toWireAddress(address);
  const usable =
    wire !== undefined &&
    Buffer.byteLength(local) <= MAX_LOCAL &&
    wire.length - wire.lastIndexOf('@') - 1 <= MAX_DOMAIN &&
    // Percent hacks and bang paths ask a later host to relay; quoted parts hide separators.
    !/[\s"<>()\\,;:[\]%!@]/.test(local);
  if (!usable) throw new SmtpError(REPLIES.recipientMalformed);
  return wire;
}
