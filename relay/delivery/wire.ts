/** Commands out and replies in, on a connection whose session stands. */
import type { Socket } from 'node:net';

/** What a next hop may make us keep of one reply. */
const MAX_REPLY = 64 * 1024;

export class Wire {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  /** A line that has not ended yet. */
  #rest = '';
  /** The lines of a reply that has not ended yet. */
  #lines = '';
  #replies: string[] = [];
  #expected = 0;
  #settle: { resolve(replies: string[]): void; reject(error: Error): void } | undefined;
  #failure: Error | undefined;

  /** `onEnd` is called once, when the connection cannot be used any more. */
  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('Connection closed unexpectedly')));
  }

  /** Writes, and waits for that many replies; rejects where the connection ends first. */
  exchange(data: string | Uint8Array, count: number): Promise<string[]> {
    const replies = this.#expect(count);
    if (!this.#failure) this.#socket.write(data);
    return replies;
  }

  /** Writes as fast as the next hop reads, and waits for one reply; one that comes early ends the connection. */
  async stream(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const reply = this.#expect(1);
    reply.catch(() => undefined);
    for await (const chunk of chunks) {
      if (!this.#settle) break;
      if (!this.#socket.write(chunk)) await this.#drained();
    }
    if (!this.#settle) this.#end(new Error('The next hop answered before the message was sent'));
    return (await reply)[0] ?? '';
  }

  #expect(count: number): Promise<string[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#replies = [];
      this.#expected = count;
      this.#settle = { resolve, reject };
    });
  }

  #drained(): Promise<void> {
    if (this.#failure) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  #read(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#line(text.slice(start, text[end - 1] === '\r' ? end - 1 : end));
      start = end + 1;
    }
    this.#rest = text.slice(start);
    if (this.#rest.length + this.#lines.length > MAX_REPLY) this.#tooLong();
  }

  #line(line: string): void {
    this.#lines = this.#lines === '' ? line : `${this.#lines}\n${line}`;
    if (this.#lines.length > MAX_REPLY) {
      this.#tooLong();
      return;
    }
    if (/^\d{3}-/.test(line)) return;
    const reply = decode(this.#lines);
    this.#lines = '';
    this.#reply(reply);
  }

  #reply(reply: string): void {
    if (!this.#settle) {
      this.#end(new Error(`The next hop said unasked: ${reply}`));
      return;
    }
    this.#replies.push(reply);
    // RFC 5321 section 3.8: the session ends with it, whatever else was asked.
    const isLast = reply.startsWith('421');
    const missing = Math.max(0, this.#expected - this.#replies.length);
    if (isLast) this.#replies.push(...Array<string>(missing).fill(reply));
    if (this.#replies.length === this.#expected) {
      this.#settle.resolve(this.#replies);
      this.#settle = undefined;
    }
    if (isLast) this.#end(new Error(reply));
  }

  #tooLong(): void {
    this.#rest = '';
    this.#lines = '';
    this.#end(new Error('Server response exceeds maximum allowed size'));
  }

  #end(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#settle?.reject(error);
    this.#settle = undefined;
    this.#onEnd();
  }
}

/** Replies are UTF-8 at most; bytes are kept apart until a reply is whole, because a chunk may end within one. */
function decode(bytes: string): string {
  return /[^\0-\x7f]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
