/**
 * Watches DATA go by: line ends, NUL, line length, and the header section split from the body.
 * A bare CR or LF would be read as a line end by one server and as text by the next (SMTP smuggling), so it
 * is refused here, before anything is signed or stored.
 */

/** RFC 5321 section 4.5.3.1.6, without CRLF. */
export const MAX_LINE = 998;
/** Ample for real mail; a header must fit in memory, a body need not. */
export const MAX_HEADER = 128 * 1024;

export type IngressProblem = 'bare-cr' | 'bare-lf' | 'nul' | 'long-line' | 'long-header';

const CR = 0x0d;
const LF = 0x0a;

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
    if (this.#header) this.#collectHeader(chunk);
    else this.#sink.onBody(chunk);
  }

  /** A message may end within its header: then all of it is header. */
  end(): void {
    if (this.#problem) return;
    if (this.#previous === CR) this.#problem = 'bare-cr';
    else if (this.#header)
      this.#endHeader(Buffer.concat(this.#header), this.#headerLength, this.#headerLength);
  }

  #inspect(chunk: Buffer): IngressProblem | undefined {
    let previous = this.#previous;
    let length = this.#lineLength;
    let bits = 0;
    for (const byte of chunk) {
      bits |= byte;
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
    this.#previous = previous;
    this.#lineLength = length;
    if (bits & 0x80) this.#hasHighBytes = true;
    return undefined;
  }

  #collectHeader(chunk: Buffer): void {
    this.#header?.push(chunk);
    this.#headerLength += chunk.length;
    const all = Buffer.concat(this.#header ?? []);
    this.#header = [all];
    // An empty first line: a message without any header.
    const end = all.length >= 2 && all[0] === CR && all[1] === LF ? 0 : all.indexOf('\r\n\r\n');
    if (end !== -1) this.#endHeader(all, end === 0 ? 0 : end + 2, end === 0 ? 2 : end + 4);
    else if (all.length > MAX_HEADER) this.#problem = 'long-header';
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
