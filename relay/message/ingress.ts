/**
 * Watches DATA go by: line ends, NUL, line length, and the header section split from the body.
 * A bare CR or LF would be read as a line end by one server and as text by the next (SMTP smuggling), so it
 * is refused here, before anything is signed or stored.
 */

import { isAscii } from 'node:buffer';

/** RFC 5321 section 4.5.3.1.6, without CRLF. */
export const MAX_LINE = 998;
/** Ample for real mail; a header must fit in memory, a body need not. */
export const MAX_HEADER = 128 * 1024;

export type IngressProblem = 'bare-cr' | 'bare-lf' | 'nul' | 'long-line' | 'long-header';

const CR = 0x0d;
const LF = 0x0a;
const EMPTY_LINE = Buffer.from('\r\n\r\n');

/** Feed chunks in order; body bytes come out through `onHeader` (once) and `onBody`. */
export class Ingress {
  readonly #sink: { onHeader(header: string): void; onBody(chunk: Buffer): void };
  #problem: IngressProblem | undefined;
  #hasHighBytes = false;
  #lineLength = 0;
  #previous = LF;
  /** Header bytes until the empty line; undefined once it was seen. */
  #header: Buffer[] | undefined = [];
  #headerLength = 0;
  /** The last three bytes of the header so far. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(sink: { onHeader(header: string): void; onBody(chunk: Buffer): void }) {
    this.#sink = sink;
  }

  /** The first problem met; bytes after it are not passed on. */
  get problem(): IngressProblem | undefined {
    return this.#problem;
  }

  get hasHighBytes(): boolean {
    return this.#hasHighBytes;
  }

  write(chunk: Buffer): void {
    if (this.#problem) return;
    this.#problem = this.#inspect(chunk);
    if (this.#problem) return;
    if (this.#header) this.#collectHeader(this.#header, chunk);
    else this.#sink.onBody(chunk);
  }

  /** A message may end within its header: then all of it is header. */
  end(): void {
    if (this.#problem) return;
    if (this.#previous === CR) this.#problem = 'bare-cr';
    else if (this.#header)
      this.#endHeader(Buffer.concat(this.#header), this.#headerLength, this.#headerLength);
  }

  /** Native searches say whether anything is wrong; only then each byte is looked at, to say what comes first. */
  #inspect(chunk: Buffer): IngressProblem | undefined {
    if (chunk.length === 0) return undefined;
    this.#hasHighBytes ||= !isAscii(chunk);
    return this.#isClean(chunk) ? undefined : this.#findProblem(chunk);
  }

  /** Keeps `#previous` and `#lineLength` only where it answers true. */
  #isClean(chunk: Buffer): boolean {
    if (chunk.includes(0)) return false;
    const text = chunk.toString('latin1');
    const isBegun = this.#previous === CR;
    if (isBegun && chunk[0] !== LF) return false;
    // An LF whose CR came before ends a line of which nothing is in this chunk.
    let start = isBegun ? 1 : 0;
    let length = isBegun ? 0 : this.#lineLength;
    for (;;) {
      const cr = text.indexOf('\r', start);
      const lf = text.indexOf('\n', start);
      const end = cr === -1 ? text.length : cr;
      if (length + end - start > MAX_LINE) return false;
      if (cr === -1 ? lf !== -1 : lf !== cr + 1 && !(lf === -1 && end === text.length - 1)) return false;
      if (lf === -1) {
        this.#lineLength = length + end - start;
        this.#previous = chunk[chunk.length - 1] ?? LF;
        return true;
      }
      start = lf + 1;
      length = 0;
    }
  }

  #findProblem(chunk: Buffer): IngressProblem | undefined {
    let previous = this.#previous;
    let length = this.#lineLength;
    for (const byte of chunk) {
      if (byte === LF) {
        if (previous !== CR) return 'bare-lf';
        length = 0;
      } else {
        if (previous === CR) return 'bare-cr';
        if (byte === 0) return 'nul';
        if (byte !== CR && ++length > MAX_LINE) return 'long-line';
      }
      previous = byte;
    }
    throw new Error('a chunk that is not clean has a problem');
  }

  #collectHeader(parts: Buffer[], chunk: Buffer): void {
    // The empty line may have begun in an earlier chunk: look three bytes back, not at everything again.
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, 3)]);
    const before = this.#headerLength;
    parts.push(chunk);
    this.#headerLength += chunk.length;
    this.#tail = chunk.length >= 3 ? chunk.subarray(-3) : Buffer.concat([this.#tail, chunk]).subarray(-3);
    const isEnd = before < 2 || seam.includes(EMPTY_LINE) || chunk.includes(EMPTY_LINE);
    if (isEnd) this.#splitHeader(parts.length === 1 ? chunk : Buffer.concat(parts));
    if (this.#header && this.#headerLength > MAX_HEADER) this.#problem = 'long-header';
  }

  #splitHeader(all: Buffer): void {
    // An empty first line: a message without any header.
    const end = all[0] === CR && all[1] === LF ? 0 : all.indexOf(EMPTY_LINE);
    if (end !== -1) this.#endHeader(all, end === 0 ? 0 : end + 2, end === 0 ? 2 : end + 4);
  }

  #endHeader(all: Buffer, headerEnd: number, bodyStart: number): void {
    if (headerEnd > MAX_HEADER) {
      this.#problem = 'long-header';
      return;
    }
    this.#header = undefined;
    const header = all.toString('latin1', 0, headerEnd);
    this.#sink.onHeader(header === '' || header.endsWith('\r\n') ? header : `${header}\r\n`);
    if (bodyStart < all.length) this.#sink.onBody(all.subarray(bodyStart));
  }
}
