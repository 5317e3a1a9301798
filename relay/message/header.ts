/** Splits a header section into fields (RFC 5322 section 2.2). Bytes are latin1 strings: nothing is lost. */

export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** The field as received, folded, with its final CRLF. */
  readonly raw: string;
}

export type ParsedHeader =
  | { readonly ok: true; readonly fields: readonly HeaderField[] }
  | { readonly ok: false; readonly problem: string };

/**
 * `text` is the header section in latin1, each line ended by CRLF, without the empty line after it.
 * A line that is neither a field nor a continuation is refused: some readers end the header there, others do
 * not, and a second From could hide behind the difference.
 */
export function parseHeader(text: string): ParsedHeader {
  const fields: HeaderField[] = [];
  let start = 0;
  while (start < text.length) {
    let end = lineEnd(text, start);
    while (end < text.length && isBlank(text.charCodeAt(end))) end = lineEnd(text, end);
    const raw = text.slice(start, end);
    const name = /^([!-9;-~]+)[ \t]*:/.exec(raw)?.[1];
    if (name === undefined)
      return { ok: false, problem: `line ${countLines(text, start)} is not a header field` };
    fields.push({ name: name.toLowerCase(), raw });
    start = end;
  }
  return { ok: true, fields };
}

/** The value without folding: CRLF before white space is dropped (RFC 5322 section 2.2.3). */
export function unfold(field: HeaderField): string {
  return field.raw
    .slice(field.raw.indexOf(':') + 1)
    .replace(/\r\n/g, '')
    .trim();
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\r\n', from);
  return at === -1 ? text.length : at + 2;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function countLines(text: string, until: number): number {
  return text.slice(0, until).split('\r\n').length;
}
