/**
 * The account book of a fault test: what the client was told of each message against where each one ended.
 *
 * I1 each 250 ends delivered, bounced or queued. I2 a refused message is never delivered. I3 duplicates never exceed
 * the deliveries in flight at the crashes, and keep their Message-ID. I4 the bytes that arrive are those submitted,
 * but for the header lines that the relay adds.
 */

export interface Submitted {
  /** Unique name of the message, also in its header X-Book. */
  readonly name: string;
  /** Code of the last reply; `unknown` where the connection ended before one. */
  readonly answer: number | 'unknown';
  /** Message as the client sent it, CRLF line ends. */
  readonly data: string;
}

export interface Ended {
  /** Messages that the next hop took, as they came. */
  readonly arrived: readonly string[];
  /** Names of messages that bounced with a notification, or still wait. */
  readonly bounced?: readonly string[];
  readonly queued?: readonly string[];
  /** Most duplicates that the crashes may have brought about. */
  readonly allowedDuplicates: number;
}

export const BOOK_HEADER = 'X-Book';
/** What the relay may put before or into a header; Bcc is removed. */
const ADDED = ['received', 'message-id', 'date', 'dkim-signature'];

/** What contradicts the four statements, one line each; empty: the book balances. */
export function auditBook(submitted: readonly Submitted[], ended: Ended): string[] {
  const copies = Map.groupBy(ended.arrived, nameOf);
  const kept = new Set([...copies.keys(), ...(ended.bounced ?? []), ...(ended.queued ?? [])]);
  const problems: string[] = [];
  for (const { name, answer, data } of submitted) {
    const found = copies.get(name) ?? [];
    if (answer === 250 && !kept.has(name)) problems.push(`I1 ${name} was acknowledged and is gone`);
    if (answer !== 250 && answer !== 'unknown' && found.length > 0) {
      problems.push(`I2 ${name} was refused with ${answer} and arrived`);
    }
    if (new Set(found.map((copy) => headerOf(copy, 'message-id'))).size > 1) {
      problems.push(`I3 ${name} arrived under several Message-IDs`);
    }
    for (const copy of found) {
      if (essence(copy) !== essence(data)) problems.push(`I4 ${name} arrived with other bytes`);
    }
  }
  const duplicates = [...copies.values()].reduce((sum, found) => sum + found.length - 1, 0);
  if (duplicates > ended.allowedDuplicates) {
    problems.push(`I3 ${duplicates} duplicates where ${ended.allowedDuplicates} are allowed`);
  }
  const known = new Set(submitted.map(({ name }) => name));
  for (const name of copies.keys()) if (!known.has(name)) problems.push(`I2 ${name} was never submitted`);
  return problems;
}

export function nameOf(data: string): string {
  return headerOf(data, BOOK_HEADER) ?? '';
}

function headerOf(data: string, name: string): string | undefined {
  const head = data.slice(0, data.indexOf('\r\n\r\n'));
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head.replaceAll(/\r\n[ \t]+/g, ' '))?.[1]?.trimEnd();
}

/** The submitted fields in their order, and the body: what has to be the same on both ends. */
function essence(data: string): string {
  const end = data.indexOf('\r\n\r\n');
  const fields = data.slice(0, end).split(/\r\n(?![ \t])/);
  const own = fields.filter((field) => !ADDED.includes(field.slice(0, field.indexOf(':')).toLowerCase()));
  return `${own.join('\r\n')}${data.slice(end)}`;
}
