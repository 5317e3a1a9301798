/** One mail transaction on a session that stands: envelope and DATA at once where the next hop takes them so (RFC 2920). */
import { oneLine } from '../errors.ts';
import { DotStuffing } from './dot-stuffing.ts';
import { envelopeCommands } from './envelope-commands.ts';
import type { OutgoingMessage, RecipientReply } from './target.ts';
import type { Wire } from './wire.ts';

export interface Transmitted {
  readonly replies: readonly RecipientReply[];
  /** False: the next hop may still be in the middle of it, and RSET is due. */
  readonly isComplete: boolean;
}

/** Above this, copying content to write it in one go costs more than a second write. */
const COPY_MAX = 64 * 1024;

export class Transmission {
  readonly #wire: Wire;
  readonly #message: OutgoingMessage;
  readonly #offers: readonly string[];
  #begun = false;

  constructor(wire: Wire, message: OutgoingMessage, offers: readonly string[]) {
    this.#wire = wire;
    this.#message = message;
    this.#offers = offers;
  }

  /** From now on a lost connection leaves doubt whether the message has arrived. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Rejects where the connection ends, or the next hop says what is no reply. */
  async run(): Promise<Transmitted> {
    const { mail, recipients, data } = await this.#envelope();
    const isRefused = !isPositive(mail) || !recipients.some(isPositive);
    if (isRefused) {
      // It takes content for nobody (RFC 2920 section 3.1): give it none.
      if (data?.startsWith('3')) await this.#wire.exchange('.\r\n', 1);
      return this.#answered(isPositive(mail) ? recipients : recipients.map(() => mail), false);
    }
    const final = data?.startsWith('3') ? await this.#content() : (data ?? '');
    if (!this.#begun && isPositive(final)) throw new Error(`The next hop answered DATA with: ${final}`);
    const replies = recipients.map((reply) => (isPositive(reply) ? final : reply));
    return this.#answered(replies, isPositive(final));
  }

  async #envelope(): Promise<{ mail: string; recipients: string[]; data: string | undefined }> {
    const { mail, recipients } = envelopeCommands(this.#message, this.#offers);
    const replies = this.#offers.includes('PIPELINING')
      ? await this.#wire.exchange(`${mail}${recipients.join('')}DATA\r\n`, recipients.length + 2)
      : await this.#stepByStep(mail, recipients);
    for (const reply of replies) requireReply(reply);
    return {
      mail: replies[0] ?? '',
      recipients: recipients.map((_, i) => replies[i + 1] ?? ''),
      data: replies[recipients.length + 1],
    };
  }

  /** Goes no further than makes sense: DATA without a recipient is an error. */
  async #stepByStep(mail: string, recipients: readonly string[]): Promise<string[]> {
    const replies = await this.#wire.exchange(mail, 1);
    if (!replies.every(isPositive)) return replies;
    for (const recipient of recipients) replies.push(...(await this.#wire.exchange(recipient, 1)));
    if (replies.slice(1).some(isPositive)) replies.push(...(await this.#wire.exchange('DATA\r\n', 1)));
    return replies;
  }

  async #content(): Promise<string> {
    const { prefix, content } = this.#message;
    this.#begun = true;
    if (content.kind === 'inline' && content.data.length <= COPY_MAX) {
      const stuffing = new DotStuffing();
      const pieces = stuffing.next(content.data);
      const all = Buffer.concat([Buffer.from(prefix, 'latin1'), ...pieces, stuffing.end()]);
      const [reply = ''] = await this.#wire.exchange(all, 1);
      return requireReply(reply);
    }
    return requireReply(await this.#wire.stream(framed(this.#message)));
  }

  #answered(replies: readonly string[], isComplete: boolean): Transmitted {
    const { recipients } = this.#message;
    return { replies: recipients.map((address, i) => toReply(address, replies[i] ?? '')), isComplete };
  }
}

async function* framed({ prefix, content }: OutgoingMessage): AsyncGenerator<Uint8Array> {
  const stuffing = new DotStuffing();
  if (prefix) yield Buffer.from(prefix, 'latin1');
  if (content.kind === 'inline') yield* stuffing.next(content.data);
  else for await (const chunk of content.read()) yield* stuffing.next(chunk);
  yield stuffing.end();
}

function isPositive(reply: string): boolean {
  return reply.startsWith('2');
}

function requireReply(reply: string): string {
  if (!/^[2-5]\d\d/.test(reply)) throw new Error(`The next hop said what is no reply: ${oneLine(reply)}`);
  return reply;
}

function toReply(address: string, reply: string): RecipientReply {
  const text = oneLine(reply);
  return { address, code: Number(/^\d{3}/.exec(text)?.[0] ?? 0), text };
}
