/**
 * With connection.ts and parser.ts the one place where smtp-server's private methods are changed (server.ts uses what
 * is public). The version is pinned to 3.21.6 in package.json: read the three against the library before raising it.
 *
 * Changed: no greeting delay; our parser, envelope commands and message handling, BDAT; replies that leave together;
 * AUTH offered and taken under TLS only; replies keep our enhanced codes; caps on command length and on commands
 * without mail; a deadline over the implicit TLS handshake.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import type { Handlers } from './client.ts';
import { Connection, type ConnectionOptions } from './connection.ts';

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

  override connect(socket: Socket | TLSSocket, options?: ConnectionOptions): void {
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

/** The connection behind a session that the library names. */
export function connectionOf(session: SMTPServerSession): Connection {
  const connection = connections.get(session);
  if (!connection) throw new Error('session without connection');
  return connection;
}
