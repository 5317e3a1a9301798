/** One mail transaction of a session: envelope, then one message by DATA or BDAT. Replies as values; no library here. */
import type { DsnRequest } from '../spool/index.ts';
import type { Client, Envelope, Handlers, Receiving } from './client.ts';
import { type MailCommand, parseMail, parseRcpt, type RcptCommand } from './envelope-command.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

export class Transaction {
  readonly #handlers: Handlers;
  readonly #client: Client;
  #mail: MailCommand | undefined;
  /** By address in lower case: one that is repeated replaces the earlier. */
  readonly #recipients = new Map<string, RcptCommand>();
  #receiving: Receiving | undefined;

  constructor(handlers: Handlers, client: Client) {
    this.#handlers = handlers;
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#mail !== undefined;
  }

  get recipientCount(): number {
    return this.#recipients.size;
  }

  /** Throws SmtpError. */
  mail(line: Buffer, maxSize: number): SmtpReply | Promise<SmtpReply> {
    const parsed = parseMail(line, maxSize);
    if (!parsed.ok) throw new SmtpError(parsed.reply);
    if (this.#mail) throw new SmtpError(REPLIES.nestedMail);
    const taken = (): SmtpReply => {
      this.#mail = parsed.command;
      return REPLIES.senderTaken;
    };
    return this.#handlers.mail(this.#client, parsed.command.address)?.then(taken) ?? taken();
  }

  /** Throws SmtpError. */
  rcpt(line: Buffer): SmtpReply {
    if (!this.#mail) throw new SmtpError(REPLIES.needMail);
    if (this.#receiving) throw new SmtpError(REPLIES.chunksBegun);
    const parsed = parseRcpt(line, this.#mail.smtpUtf8);
    if (!parsed.ok) throw new SmtpError(parsed.reply);
    const address = this.#handlers.recipient(this.#client, parsed.command.address);
    this.#recipients.set(address.toLowerCase(), { ...parsed.command, address });
    return REPLIES.recipientTaken;
  }

  /** Throws SmtpError where a message may not begin. */
  data(): Receiving {
    if (this.#receiving) throw new SmtpError(REPLIES.chunksBegun);
    return this.chunk();
  }

  /** The message that a BDAT adds to; throws SmtpError. */
  chunk(): Receiving {
    if (!this.#mail) throw new SmtpError(REPLIES.needMail);
    if (this.#recipients.size === 0) throw new SmtpError(REPLIES.needRcpt);
    this.#receiving ??= this.#handlers.data(this.#client, this.#envelope(this.#mail));
    return this.#receiving;
  }

  /** All of the message is in: from here on it is the store's, also when the client leaves. */
  finishing(): void {
    this.#receiving = undefined;
  }

  reset(): void {
    this.#receiving?.abort();
    this.#receiving = undefined;
    this.#mail = undefined;
    this.#recipients.clear();
  }

  #envelope({ address, smtpUtf8, ret, envid }: MailCommand): Envelope {
    const recipients = [...this.#recipients.values()];
    const asked = recipients.filter(({ notify, orcpt }) => notify !== null || orcpt !== null);
    const hasDsn = ret !== null || envid !== null || asked.length > 0;
    const dsn: DsnRequest | undefined = hasDsn
      ? {
          ret,
          envid,
          recipients: Object.fromEntries(
            asked.map(({ address: to, notify, orcpt }) => [to, { notify, orcpt }]),
          ),
        }
      : undefined;
    return { from: address, recipients: recipients.map((recipient) => recipient.address), smtpUtf8, dsn };
  }
}
