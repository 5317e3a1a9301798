/**
 * The one place where smtp-server's private methods are changed (server.ts uses what is public). The version is
 * pinned to 3.21.6 in package.json: read this file against the library before raising it.
 *
 * Changed: no greeting delay; AUTH offered and taken under TLS only; replies keep our enhanced codes; caps on
 * command length and on commands without mail; a deadline over the implicit TLS handshake.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { Client, Handlers } from './client.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

/** RFC 5321 section 4.5.3.1.4 plus what extensions add to MAIL and RCPT; RFC 4954 section 4 for AUTH. */
const MAX_COMMAND = 512;
const MAX_ENVELOPE_COMMAND = 1_024;
export const MAX_AUTH_LINE = 12_288;
/** NOOP, RSET, EHLO, VRFY and the like since the last accepted message. */
const MAX_COMMANDS_WITHOUT_MAIL = 100;

const connections = new WeakMap<SMTPServerSession, Connection>();

/** The library's server with our connections, and a deadline over the implicit TLS handshake. */
export class Server extends SMTPServer {
  readonly handlers: Handlers;
  readonly #handshakeMs: number;

  constructor(options: SMTPServerOptions, handlers: Handlers, handshakeMs: number) {
    super(options);
    this.handlers = handlers;
    this.#handshakeMs = handshakeMs;
    // A connection's own errors (resets, failed handshakes) end that connection and concern nobody else.
    this.on('error', () => undefined);
  }

  override connect(
    socket: Socket | TLSSocket,
    options?: ConstructorParameters<typeof SMTPConnection>[2],
  ): void {
    const connection = new Connection(this, socket, options);
    connections.set(connection.session, connection);
    this.connections.add(connection);
    connection.on('error', () => connection.close());
    connection.init();
  }

  /** The library's timeout of the implicit TLS handshake is an idle one, which a trickle of bytes defeats. */
  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const release = super._acceptSocket(socket, handshake);
    if (!release || !handshake) return release;
    const timer = setTimeout(() => this._pendingSockets.get(socket)?.destroy(), this.#handshakeMs);
    socket.once('close', () => clearTimeout(timer));
    return () => {
      clearTimeout(timer);
      release();
    };
  }
}

export class Connection extends SMTPConnection {
  readonly client: Client;
  #hidesAuth = false;
  #commandsWithoutMail = 0;

  constructor(
    server: Server,
    ...rest: [Socket | TLSSocket, ConstructorParameters<typeof SMTPConnection>[2]]
  ) {
    super(server, ...rest);
    this.client = new ClientView(this);
  }

  acceptedMail(): void {
    this.#commandsWithoutMail = 0;
  }

  /** As in the library, without its delay of 100 ms before the greeting. */
  override init(): void {
    this._setListeners(() => this.connectionReady());
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const hasOwnCode = typeof data === 'string' && /^[245]\.\d{1,3}\.\d{1,3} /.test(data);
    super.send(code, data, hasOwnCode ? false : context);
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    const refusal = this.#refuseCommand(command);
    if (refusal) this.send(refusal.code, `${refusal.enhanced} ${refusal.text}`);
    else super._onCommand(command, callback);
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    this.#hidesAuth = !this.secure;
    try {
      super.handler_EHLO(command, callback);
    } finally {
      this.#hidesAuth = false;
    }
  }

  override _isSupported(command: string): boolean {
    return !(this.#hidesAuth && command === 'AUTH') && super._isSupported(command);
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    const refusal = this.secure ? this.#refuseLogin() : REPLIES.authNeedsTls;
    if (!refusal) return super.handler_AUTH(command, callback);
    this.send(refusal.code, `${refusal.enhanced} ${refusal.text}`);
    callback();
  }

  #refuseLogin(): SmtpReply | undefined {
    return refusalOf(() => this.#handlers.loginOpen());
  }

  /** Undefined: go on. A reply given here ends the connection: the parser is not resumed. */
  #refuseCommand(command: Buffer): SmtpReply | undefined {
    if (this._upgrading || this._closing) return undefined;
    const inLogin = this._nextHandler !== false;
    const verb = command.toString('latin1', 0, 5).trim().toUpperCase();
    if (command.length > maxLength(verb, inLogin)) return { ...REPLIES.lineTooLong, code: 421 };
    if (!inLogin && !['MAIL', 'RCPT', 'DATA', 'QUIT'].includes(verb)) this.#commandsWithoutMail++;
    if (this.#commandsWithoutMail > MAX_COMMANDS_WITHOUT_MAIL) return REPLIES.tooManyCommands;
    return refusalOf(() => this.#handlers.command(this.client));
  }

  get #handlers(): Handlers {
    return (this._server as Server).handlers;
  }
}

function maxLength(verb: string, inLogin: boolean): number {
  if (inLogin || verb === 'AUTH') return MAX_AUTH_LINE;
  return verb === 'MAIL' || verb === 'RCPT' ? MAX_ENVELOPE_COMMAND : MAX_COMMAND;
}

class ClientView implements Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get id(): string {
    return this.#connection.id;
  }

  get address(): string {
    return this.#connection.remoteAddress;
  }

  get greeting(): string {
    return this.#connection.hostNameAppearsAs || '';
  }

  get tls(): string {
    const socket = this.#connection._socket;
    if (!(socket instanceof TLSSocket)) return 'no TLS';
    return `${socket.getProtocol() ?? 'TLS'} with cipher ${socket.getCipher()?.standardName ?? 'unknown'}`;
  }

  get inTransaction(): boolean {
    return Boolean(this.#connection.session.envelope?.mailFrom);
  }

  get recipientCount(): number {
    return this.#connection.session.envelope.rcptTo.length;
  }

  close(reply: SmtpReply): void {
    this.#connection.send(reply.code, `${reply.enhanced} ${reply.text}`);
    this.#connection.close();
  }
}

/** The connection behind a session that the library names. */
export function connectionOf(session: SMTPServerSession): Connection {
  const connection = connections.get(session);
  if (!connection) throw new Error('session without connection');
  return connection;
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
