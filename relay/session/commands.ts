/** What a command line is, before it is understood: its verb and the length it may have. Pure. */

/** RFC 5321 section 4.5.3.1.4 plus what extensions add to MAIL and RCPT; RFC 4954 section 4 for AUTH. */
const MAX_COMMAND = 512;
const MAX_ENVELOPE_COMMAND = 1_024;
export const MAX_AUTH_LINE = 12_288;
/** RFC 3030: as large a chunk as a client likes; the message's size is what is limited. */
const BDAT = /^BDAT +(\d{1,15})( +LAST)? *$/i;

export interface Chunk {
  readonly size: number;
  readonly isLast: boolean;
}

/** Upper case, cut after five letters: no verb that is known has as many. */
export function readVerb(line: Buffer): string {
  return line.toString('latin1', 0, 5).trimEnd().toUpperCase();
}

/** `line` may be the beginning of one. */
export function isTooLong(line: Buffer, inLogin: boolean): boolean {
  if (line.length <= MAX_COMMAND) return false;
  const verb = readVerb(line);
  if (inLogin || verb === 'AUTH') return line.length > MAX_AUTH_LINE;
  return line.length > (verb === 'MAIL' || verb === 'RCPT' ? MAX_ENVELOPE_COMMAND : MAX_COMMAND);
}

/** Undefined: where the next command begins cannot be known. */
export function readChunk(line: Buffer): Chunk | undefined {
  const match = BDAT.exec(line.toString('latin1'));
  return match ? { size: Number(match[1]), isLast: match[2] !== undefined } : undefined;
}
