/** Content on its way out: a dot doubled at the start of a line, and the dot that ends it (RFC 5321 section 4.5.2). */

const LF = 0x0a;
const DOT = 0x2e;
const LINE_DOT = Buffer.from('\n.');
const ONE_DOT = Buffer.from('.');
const END = Buffer.from('.\r\n');
const LINE_END = Buffer.from('\r\n.\r\n');

/** Fed chunk by chunk. Stored content has no line end but CRLF: ingress refuses everything else. */
export class DotStuffing {
  #last = LF;

  /** The chunks to write for this one. */
  next(chunk: Uint8Array): Uint8Array[] {
    if (chunk.length === 0) return [];
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const pieces: Uint8Array[] = [];
    if (this.#last === LF && data[0] === DOT) pieces.push(ONE_DOT);
    let start = 0;
    for (let at = data.indexOf(LINE_DOT); at !== -1; at = data.indexOf(LINE_DOT, start)) {
      pieces.push(data.subarray(start, at + 1), ONE_DOT);
      start = at + 1;
    }
    pieces.push(start === 0 ? data : data.subarray(start));
    this.#last = data[data.length - 1] ?? LF;
    return pieces;
  }

  end(): Uint8Array {
    return this.#last === LF ? END : LINE_END;
  }
}
