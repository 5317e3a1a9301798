/**
 * Cuts what a client sends into commands and message content, in place of smtp-server's parser, which looks at each
 * byte, copies each line into strings, and answers one command at a time.
 * Replies to commands that came together leave together (RFC 2920), and none waits for another byte of the client.
 */
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { Receiving } from './client.ts';
import { DataScanner } from './data-scanner.ts';

export interface ParserHooks {
  /** A line without its end; `done` lets the next one come, at once or later. */
  command(line: Buffer, done: () => void): void;
  /** A line that has not ended yet: may it grow? */
  mayGrow(part: Buffer): boolean;
  /** What is answered between these two leaves in one write. */
  begin(): void;
  end(): void;
  /** Calls back once the client has read enough of what was written. */
  whenWritable(next: () => void): void;
}

/** Bytes of a message on the way to `to`; undefined: thrown away. `ended` has to lead to `resume`. */
interface Content {
  readonly to: Pick<Receiving, 'write'> | undefined;
  readonly ended: () => void;
  /** Of DATA; else `left` bytes of BDAT. */
  readonly scanner: DataScanner | undefined;
  left: number;
}

/** Commands handled before other connections get their turn. */
const MAX_AT_ONCE = 100;
const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

export class Parser extends SMTPStream {
  readonly #hooks: ParserHooks;
  #input: Buffer = NOTHING;
  #at = 0;
  /** Lets the next chunk come; once. */
  #taken: () => void = () => {};
  #content: Content | undefined;
  /** For the reply to a command, or the store to take content. */
  #isWaiting = false;
  #isRunning = false;

  constructor(hooks: ParserHooks) {
    super();
    this.#hooks = hooks;
  }

  /** What follows this command is a message, up to its final dot. */
  receiveData(to: Receiving, ended: () => void): void {
    this.#content = { to, ended, scanner: new DataScanner(), left: 0 };
  }

  /** What follows this command are `size` bytes of a message. */
  receiveChunk(size: number, to: Receiving | undefined, ended: () => void): void {
    this.#content = { to, ended, scanner: undefined, left: size };
  }

  /** After `ended`: the next command may come. */
  resume(): void {
    this.#isWaiting = false;
    if (!this.#isRunning) this.#run();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, next: () => void): void {
    if (this.isClosed) return next();
    const rest = this.#input.subarray(this.#at);
    this.#input = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    this.#at = 0;
    this.#taken = next;
    this.#run();
  }

  /** A line that the end of the connection cut off is no command. */
  override _flushData(): void {}

  #run(): void {
    let after: 'reply' | 'input' | 'turn' = 'reply';
    this.#isRunning = true;
    this.#hooks.begin();
    try {
      after = this.#steps();
    } finally {
      this.#isRunning = false;
      this.#hooks.end();
    }
    if (after === 'input') {
      const taken = this.#taken;
      this.#taken = () => {};
      this.#hooks.whenWritable(taken);
    }
    if (after === 'turn') setImmediate(() => this.#hooks.whenWritable(() => this.#run()));
  }

  #steps(): 'reply' | 'input' | 'turn' {
    for (let step = 0; ; step++) {
      if (this.isClosed) {
        this.#at = this.#input.length;
        return 'input';
      }
      if (this.#isWaiting) return 'reply';
      if (step === MAX_AT_ONCE) return 'turn';
      if (!(this.#content ? this.#readContent(this.#content) : this.#readLine())) return 'input';
    }
  }

  #readLine(): boolean {
    const end = this.#input.indexOf(LF, this.#at);
    if (end === -1) {
      const part = this.#input.subarray(this.#at);
      if (!this.#hooks.mayGrow(part)) this.#at = this.#input.length;
      return false;
    }
    const line = this.#input.subarray(
      this.#at,
      end > this.#at && this.#input[end - 1] === CR ? end - 1 : end,
    );
    this.#at = end + 1;
    this.#isWaiting = true;
    let isDone = false;
    this.#hooks.command(line, () => {
      if (isDone) return;
      isDone = true;
      this.resume();
    });
    return true;
  }

  #readContent(content: Content): boolean {
    const isChunk = content.scanner === undefined;
    if (this.#at === this.#input.length && !(isChunk && content.left === 0)) return false;
    const { parts, isEnd } = isChunk ? this.#takeChunk(content) : this.#takeData(content.scanner);
    let pending: Promise<void> | undefined;
    for (const part of parts) {
      pending = pending ? pending.then(() => content.to?.write(part)) : content.to?.write(part);
    }
    if (isEnd) this.#content = undefined;
    if (!isEnd && !pending) return true;
    this.#isWaiting = true;
    const next = () => (isEnd ? content.ended() : this.resume());
    if (pending) void pending.then(next);
    else next();
    return true;
  }

  #takeData(scanner: DataScanner): { parts: readonly Buffer[]; isEnd: boolean } {
    const { content, end } = scanner.feed(this.#input.subarray(this.#at));
    this.#at = end === -1 ? this.#input.length : this.#at + end;
    return { parts: content, isEnd: end !== -1 };
  }

  #takeChunk(content: Content): { parts: readonly Buffer[]; isEnd: boolean } {
    const part = this.#input.subarray(this.#at, Math.min(this.#input.length, this.#at + content.left));
    this.#at += part.length;
    content.left -= part.length;
    return { parts: part.length > 0 ? [part] : [], isEnd: content.left === 0 };
  }
}
