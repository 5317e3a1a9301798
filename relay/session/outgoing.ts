/** Replies on their way out: those to commands that came together leave in one write (RFC 2920 section 3.2). */

/** What is needed of a socket. */
interface Writable {
  readonly destroyed: boolean;
  readonly readyState: string;
  write(text: string): boolean;
}

// eslint-disable-next-line no-control-regex -- a reply must stay one line
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

export class Outgoing {
  readonly #socket: () => Writable | undefined;
  #text = '';
  #isHeld = false;

  /** `socket` answers undefined while nothing may be written. */
  constructor(socket: () => Writable | undefined) {
    this.#socket = socket;
  }

  /** Each line gets the code, and `enhanced` where there is one. */
  add(code: number, enhanced: string, lines: readonly string[]): void {
    const prefix = enhanced && `${enhanced} `;
    for (const [i, line] of lines.entries()) {
      const mark = i < lines.length - 1 ? '-' : ' ';
      this.#text += `${code}${mark}${prefix}${line.replace(CONTROLS, ' ')}\r\n`;
    }
    if (!this.#isHeld) this.flush();
  }

  /** What is added leaves with `release`, or earlier with `flush`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.flush();
  }

  flush(): void {
    if (!this.#text) return;
    const text = this.#text;
    this.#text = '';
    const socket = this.#socket();
    if (socket && !socket.destroyed && socket.readyState === 'open') socket.write(text);
  }
}
