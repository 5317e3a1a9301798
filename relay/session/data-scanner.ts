/**
 * Finds the end of DATA and takes the dots out that clients double (RFC 5321 section 4.5.2), whatever way the bytes
 * were split. The one end is CRLF "." CRLF: other servers that also take a bare LF or CR there are what
 * SMTP smuggling lives on; such line ends are content here, and refused by `Ingress`.
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const CRLF_DOT = Buffer.from('\r\n.');
const HELD_CR = Buffer.from('\r');

/** What the last bytes were: decides what a dot, CR or LF at the start of the next chunk means. */
type State = 'text' | 'cr' | 'line-start' | 'dot' | 'dot-cr';

export interface Scanned {
  /** Content in order; empty ones are left out. */
  readonly content: readonly Buffer[];
  /** Where the next command begins in the chunk; -1: the message goes on. */
  readonly end: number;
}

export class DataScanner {
  #state: State = 'line-start';

  /** Takes the chunk over: content is compacted within it. */
  feed(chunk: Buffer): Scanned {
    const content: Buffer[] = [];
    let at = this.#resume(chunk, content);
    if (at < 0) return { content, end: -at };
    // Content is moved down over the dots that were taken out: `kept` is where it ends.
    const start = at;
    let kept = at;
    const keep = (to: number) => {
      if (kept !== at) chunk.copyWithin(kept, at, to);
      kept += to - at;
      at = to;
    };
    const done = (end: number): Scanned => {
      if (kept > start) content.push(chunk.subarray(start, kept));
      return { content, end };
    };
    while (at < chunk.length) {
      const found = chunk.indexOf(CRLF_DOT, at);
      if (found === -1) {
        this.#state = stateAfter(chunk, at);
        keep(chunk.length);
        break;
      }
      keep(found + 2);
      at = found + 3;
      if (at === chunk.length) this.#state = 'dot';
      else if (chunk[at] === CR) {
        if (chunk[at + 1] === LF) return done(at + 2);
        if (at + 1 === chunk.length) {
          this.#state = 'dot-cr';
          at++;
        }
      }
    }
    return done(-1);
  }

  /**
   * Steps over what belongs to a line end or dot begun in an earlier chunk. Answers where content goes on, or the
   * negative offset of the next command where the message ends here.
   */
  #resume(chunk: Buffer, content: Buffer[]): number {
    let at = 0;
    if (this.#state === 'cr' && chunk[0] === LF) {
      content.push(chunk.subarray(0, 1));
      this.#state = 'line-start';
      at = 1;
    }
    if (this.#state === 'line-start' && chunk[at] === DOT) {
      this.#state = 'dot';
      at++;
    }
    if (this.#state === 'dot' && chunk[at] === CR) {
      this.#state = 'dot-cr';
      at++;
    }
    if (at === chunk.length) return at;
    if (this.#state === 'dot-cr') {
      if (chunk[at] === LF) return -(at + 1);
      content.push(HELD_CR);
    }
    this.#state = 'text';
    return at;
  }
}

function stateAfter(chunk: Buffer, from: number): State {
  const last = chunk.length - 1;
  if (chunk[last] === CR) return 'cr';
  return chunk[last] === LF && last > from && chunk[last - 1] === CR ? 'line-start' : 'text';
}
