/** The library's connection with our parser, envelope and messages; see library.ts for what is changed and why. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { Handlers, Receiving } from './client.ts';
import { ClientView } from './client-view.ts';
import { isTooLong, readChunk, readVerb } from './commands.ts';
import type { Server } from './library.ts';
import { Outgoing } from './outgoing.ts';
import { Parser } from './parser.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';
import { Transaction } from './transaction.ts';

export type ConnectionOptions = ConstructorParameters<typeof SMTPConnection>[2];

/** NOOP, RSET, EHLO, VRFY and the like since the last accepted message. */
const MAX_COMMANDS_WITHOUT_MAIL = 100;
const WITH_MAIL = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'QUIT']);
const OWN_CODE = /^[245]\.\d{1,3}\.\d{1,3} /;

export class Connection extends SMTPConnection {
  readonly client: ClientView;
  readonly transaction: Transaction;
  /** While EHLO is answered. */
  #isGreeting = false;
  #commandsWithoutMail = 0;
  /** In the middle of a handshake nothing may be written: it would be plain text among its records. */
  readonly #outgoing = new Outgoing(() => (this._upgrading ? undefined : this._socket));

  constructor(server: Server, socket: Socket | TLSSocket, options: ConnectionOptions) {
    super(server, socket, options);
    this.client = new ClientView(this);
    this.transaction = new Transaction(server.handlers, this.client);
  }

  /** As in the library, without its delay of 100 ms before the greeting. */
  override init(): void {
    this._setListeners(() => this.connectionReady());
  }

  override _createParser(): Parser {
    return new Parser({
      command: (line, done) => this._onCommand(line, done),
      mayGrow: (part) => {
        const isFine = !isTooLong(part, this._nextHandler !== false);
        if (!isFine) this.reply(REPLIES.lineTooLong);
        return isFine;
      },
      begin: () => this.#outgoing.hold(),
      end: () => this.#outgoing.release(),
      whenWritable: (next) => this._whenWritable(next),
    });
  }

  reply({ code, enhanced, text }: SmtpReply): void {
    this.#outgoing.add(code, enhanced, [text]);
    if (code === 421) this.close();
  }

  /** As in the library, but a code that the text begins with stays, and replies of one batch leave in one write. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const lines = Array.isArray(data) ? data : [data ?? ''];
    const hasOwnCode = context === false || OWN_CODE.test(lines[0] ?? '');
    const enhanced = hasOwnCode ? '' : this._getEnhancedStatusCode(code, context);
    const isFeatures = this.#isGreeting && lines.length > 1;
    this.#outgoing.add(code, enhanced, isFeatures ? [...lines, 'CHUNKING'] : lines);
    // The connection goes away also where the reply could not be written.
    if (code === 421) this.close();
  }

  override close(): void {
    this.#outgoing.flush();
    super.close();
  }

  override upgrade(callback: () => void, secureCallback?: () => void): void {
    // The last words in plain text.
    this.#outgoing.flush();
    super.upgrade(callback, secureCallback);
  }

  override _resetSession(): void {
    super._resetSession();
    this.transaction.reset();
  }

  override _onClose(): void {
    this.transaction.reset();
    super._onClose();
  }

  override _onCommand(line: Buffer, callback: () => void = () => {}): void {
    if (this._upgrading || this._closing) return super._onCommand(line, callback);
    const inLogin = this._nextHandler !== false;
    const verb = inLogin ? 'AUTH' : readVerb(line);
    const refusal = this.#refuseCommand(line, verb);
    // Such a reply ends the connection: the parser is not resumed.
    if (refusal) return this.reply(refusal);
    if (this.session.user && !inLogin) {
      // Much the most frequent; all that the library checks before these holds for a client that has logged in.
      if (verb === 'MAIL') return this.handler_MAIL(line, callback);
      if (verb === 'RCPT') return this.handler_RCPT(line, callback);
      if (verb === 'DATA' && line.length === 4) return this.handler_DATA(line, callback);
      if (verb === 'BDAT') return this.handler_BDAT(line, callback);
    }
    super._onCommand(line, callback);
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    this.#isGreeting = true;
    try {
      super.handler_EHLO(command, callback);
    } finally {
      this.#isGreeting = false;
    }
  }

  override _isSupported(command: string): boolean {
    return !(this.#isGreeting && !this.secure && command === 'AUTH') && super._isSupported(command);
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    const refusal = this.secure ? refusalOf(() => this.#handlers.loginOpen()) : REPLIES.authNeedsTls;
    if (!refusal) return super.handler_AUTH(command, callback);
    this.reply(refusal);
    callback();
  }

  override handler_MAIL(line: Buffer, callback: () => void): void {
    this.#answer(() => this.transaction.mail(line, Number(this._server.options.size) || 0), callback);
  }

  override handler_RCPT(line: Buffer, callback: () => void): void {
    this.#answer(() => this.transaction.rcpt(line), callback);
  }

  override handler_DATA(_line: Buffer, callback: () => void): void {
    this.#answer(() => {
      const message = this.transaction.data();
      this.#parser.receiveData(message, () => this.#finish(message));
      return REPLIES.startData;
    }, callback);
  }

  /** RFC 3030. What cannot be taken is read all the same: it must never be understood as commands. */
  handler_BDAT(line: Buffer, callback: () => void): void {
    const chunk = readChunk(line);
    if (!chunk) return this.reply(REPLIES.chunkMalformed);
    let message: Receiving | undefined;
    let refusal: SmtpReply | undefined;
    try {
      if (!this.session.user && !this._server.options.authOptional) throw new SmtpError(REPLIES.authRequired);
      message = this.transaction.chunk();
    } catch (error) {
      refusal = this.#replyTo(error);
    }
    this.#parser.receiveChunk(chunk.size, message, () => {
      if (message && chunk.isLast) this.#finish(message);
      else this.#next(refusal ?? { code: 250, enhanced: '2.0.0', text: `${chunk.size} octets received` });
    });
    callback();
  }

  #finish(message: Receiving): void {
    this._handlerPending = true;
    this.transaction.finishing();
    message.finish().then(
      (text) => {
        this.#commandsWithoutMail = 0;
        this._unrecognizedCommands = 0;
        this.#finished({ code: 250, enhanced: '2.0.0', text });
      },
      (error: unknown) => this.#finished(this.#replyTo(error)),
    );
  }

  #finished(reply: SmtpReply): void {
    this._handlerPending = false;
    this._transactionCounter++;
    this._resetSession();
    this.#next(reply, () => this.#handlers.replied(this.client));
  }

  /** Answers what was not a command of its own and goes on with what came behind it. */
  #next(reply: SmtpReply, replied: () => void = () => {}): void {
    const parser = this._parser;
    // The client has left.
    if (!parser) return;
    this.#outgoing.hold();
    this.reply(reply);
    replied();
    (parser as Parser).resume();
  }

  #answer(run: () => SmtpReply | Promise<SmtpReply>, callback: () => void): void {
    const answer = (reply: SmtpReply) => {
      this._handlerPending = false;
      this.reply(reply);
      this._whenWritable(callback);
    };
    this._handlerPending = true;
    try {
      const reply = run();
      if (!(reply instanceof Promise)) return answer(reply);
      reply.then(answer, (error: unknown) => answer(this.#replyTo(error)));
    } catch (error) {
      answer(this.#replyTo(error));
    }
  }

  #refuseCommand(line: Buffer, verb: string): SmtpReply | undefined {
    if (isTooLong(line, this._nextHandler !== false)) return REPLIES.lineTooLong;
    if (!WITH_MAIL.has(verb) && this._nextHandler === false) this.#commandsWithoutMail++;
    if (this.#commandsWithoutMail > MAX_COMMANDS_WITHOUT_MAIL) return REPLIES.tooManyCommands;
    return refusalOf(() => this.#handlers.command(this.client));
  }

  #replyTo(error: unknown): SmtpReply {
    if (error instanceof SmtpError) return error.reply;
    this.#handlers.failed(this.client, error);
    return REPLIES.internal;
  }

  get #parser(): Parser {
    return this._parser as Parser;
  }

  get #handlers(): Handlers {
    return (this._server as Server).handlers;
  }
}

function refusalOf(check: () => void): SmtpReply | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof SmtpError) return error.reply;
    throw error;
  }
}
