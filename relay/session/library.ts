/**
 * With connection.ts and parser.ts the one place where smtp-server's private methods are changed (server.ts uses what
 * is public). The version is pinned to 3.21.6 in package.json: read the three against the library before raising it.
 *
 * Changed: no greeting delay; our parser, envelope commands and message handling, BDAT; replies that leave together;
 * AUTH offered and taken under TLS only; replies keep our enhanced codes; caps on command length and on commands
 * without mail; a deadline over the implicit TLS handshake; PROXY protocol also in version 2, from networks.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import type { Handlers } from './client.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { takeProxyHeader, type TrustedProxies } from './proxy-socket.ts';

const connections = new WeakMap<SMTPServerSession, Connection>();

/** What comes before the greeting: PROXY header and TLS handshake, under one deadline. */
export interface BeforeSession {
  readonly timeoutMs: number;
  readonly proxies: TrustedProxies;
}

/** The library's server with our connections, and a deadline over the implicit TLS handshake. */
export class Server extends SMTPServer {
  readonly handlers: Handlers;
  readonly #beforeSession: BeforeSession;

  constructor(options: SMTPServerOptions, handlers: Handlers, beforeSession: BeforeSession) {
    super(options);
    this.handlers = handlers;
    this.#beforeSession = beforeSession;
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

  /** The library's timeout is an idle one, which a trickle of bytes defeats. */
  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const release = super._acceptSocket(socket, handshake);
    if (!release || !(handshake || this._expectsProxyHeader(socket))) return release;
    const { timeoutMs } = this.#beforeSession;
    const timer = setTimeout(() => this._pendingSockets.get(socket)?.destroy(), timeoutMs);
    socket.once('close', () => clearTimeout(timer));
    return () => {
      clearTimeout(timer);
      release();
    };
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.#beforeSession.proxies.includes(socket.remoteAddress);
  }

  override _handleProxy(socket: Socket, callback: Announced): void {
    if (!this._expectsProxyHeader(socket)) return super._handleProxy(socket, callback);
    const ignore = () => undefined;
    socket.on('error', ignore);
    takeProxyHeader(socket, (source) => {
      if (source === false) {
        socket.destroy();
        callback(new Error('no PROXY header'));
        return;
      }
      socket.off('error', ignore);
      const id = randomBytes(10).toString('hex');
      callback(null, source ? { id, remoteAddress: source.address, remotePort: source.port } : { id });
    });
  }
}

/** What the library says of a connection that it is about to make. */
type Announced = Parameters<SMTPServer['_handleProxy']>[1];

/** The connection behind a session that the library names. */
export function connectionOf(session: SMTPServerSession): Connection {
  const connection = connections.get(session);
  if (!connection) throw new Error('session without connection');
  return connection;
}
