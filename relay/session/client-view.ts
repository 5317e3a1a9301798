/** A connection as login and submission know it. */
import { TLSSocket } from 'node:tls';
import type { Client } from './client.ts';
import type { Connection } from './connection.ts';
import type { SmtpReply } from './replies.ts';

export class ClientView implements Client {
  readonly #connection: Connection;
  #tls: { readonly socket: unknown; readonly text: string } | undefined;

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
    if (this.#tls?.socket !== socket) this.#tls = { socket, text: describeTls(socket) };
    return this.#tls.text;
  }

  get inTransaction(): boolean {
    return this.#connection.transaction.isOpen;
  }

  get recipientCount(): number {
    return this.#connection.transaction.recipientCount;
  }

  close(reply: SmtpReply): void {
    this.#connection.reply(reply);
    this.#connection.close();
  }
}

function describeTls(socket: unknown): string {
  if (!(socket instanceof TLSSocket)) return 'no TLS';
  return `${socket.getProtocol() ?? 'TLS'} with cipher ${socket.getCipher()?.standardName ?? 'unknown'}`;
}
