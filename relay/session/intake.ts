/** One message on its way in: checked, its header rewritten, its body in memory or, when large, in a file. */
import {
  type HeaderField,
  Ingress,
  type IngressProblem,
  parseHeader,
  rewriteHeader,
  type TraceInfo,
} from '../message/index.ts';
import type { Body, BodyWriter, Spool } from '../spool/index.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

/** Up to here a message stays in memory and in the row; above it goes to a file while it arrives. */
export const INLINE_MAX = 256 * 1024;

export interface IntakeOptions {
  readonly spool: Pick<Spool, 'openBody'>;
  readonly trace: TraceInfo;
  /** Throws SmtpError where the header names a sender that is not allowed. Answers the signing domain. */
  checkHeader(fields: readonly HeaderField[]): string;
}

export interface Taken {
  readonly body: Body;
  readonly messageId: string;
  readonly signingDomain: string;
  readonly headerSize: number;
  readonly size: number;
  readonly eightBit: boolean;
}

const PROBLEM_REPLIES: Record<IngressProblem, SmtpReply> = {
  'bare-cr': REPLIES.bareCr,
  'bare-lf': REPLIES.bareLf,
  nul: REPLIES.nul,
  'long-line': REPLIES.longLine,
  'long-header': REPLIES.longHeader,
};

export class Intake {
  readonly #options: IntakeOptions;
  readonly #ingress: Ingress;
  #pending: Buffer[] = [];
  #size = 0;
  #file: BodyWriter | undefined;
  #refusal: SmtpError | undefined;
  #isAborted = false;
  #header = { messageId: '', signingDomain: '', size: 0 };

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#ingress = new Ingress({
      onHeader: (text) => this.#takeHeader(text),
      onBody: (chunk) => this.#append(chunk),
    });
  }

  /** What is wrong so far; the rest of the message need not be kept then. */
  get refusal(): SmtpError | undefined {
    const problem = this.#ingress.problem;
    return problem ? new SmtpError(PROBLEM_REPLIES[problem]) : this.#refusal;
  }

  /** A promise where the bytes go to a file: no more before it resolves. */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.refusal) return undefined;
    this.#ingress.write(chunk);
    return this.refusal || this.#size <= INLINE_MAX ? undefined : this.#writeFile();
  }

  /** In memory for a small message; a promise of a durable file for a large one. Throws SmtpError. */
  finish(): Taken | Promise<Taken> {
    this.#ingress.end();
    if (this.refusal) throw this.refusal;
    return this.#file ? this.#finishFile(this.#file) : this.#taken(this.#inline());
  }

  async abort(): Promise<void> {
    this.#pending = [];
    this.#isAborted = true;
    await this.#file?.abort();
  }

  async #writeFile(): Promise<void> {
    const file = (this.#file ??= await this.#options.spool.openBody(this.#options.trace.queueId));
    // The client may have left while the file was opened.
    if (this.#isAborted) return file.abort();
    for (const pending of this.#pending.splice(0)) await file.write(pending);
  }

  #taken(body: Body): Taken {
    return {
      body,
      messageId: this.#header.messageId,
      signingDomain: this.#header.signingDomain,
      headerSize: this.#header.size,
      size: this.#size,
      eightBit: this.#ingress.hasHighBytes,
    };
  }

  #takeHeader(text: string): void {
    const parsed = parseHeader(text);
    if (!parsed.ok) {
      this.#refusal = new SmtpError({
        ...REPLIES.badHeader,
        text: `Message header is malformed: ${parsed.problem}`,
      });
      return;
    }
    try {
      const signingDomain = this.#options.checkHeader(parsed.fields);
      const { text: rewritten, messageId } = rewriteHeader(parsed.fields, this.#options.trace);
      const header = Buffer.from(`${rewritten}\r\n`, 'latin1');
      this.#header = { messageId, signingDomain, size: header.length };
      this.#append(header);
    } catch (error) {
      if (!(error instanceof SmtpError)) throw error;
      this.#refusal = error;
    }
  }

  #append(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#size += chunk.length;
  }

  #inline(): Body {
    return { kind: 'inline', data: Buffer.concat(this.#pending) };
  }

  async #finishFile(file: BodyWriter): Promise<Taken> {
    for (const pending of this.#pending.splice(0)) await file.write(pending);
    return this.#taken(await file.finish());
  }
}
