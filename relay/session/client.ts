/** What the dialogue knows of a connected client, and what the library tells the dialogue. No library here. */
import type { Readable } from 'node:stream';
import type { SmtpReply } from './replies.ts';

export interface Envelope {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly smtpUtf8: boolean;
}

/** The bytes of DATA without dot-stuffing; `sizeExceeded` may turn true while they arrive. */
export type DataStream = Readable & { readonly sizeExceeded: boolean };

export interface Client {
  readonly id: string;
  readonly address: string;
  /** What it said in EHLO; untrusted, without control characters. */
  readonly greeting: string;
  /** e.g. `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384`. */
  readonly tls: string;
  /** Between MAIL and the reply to DATA. */
  readonly inTransaction: boolean;
  readonly recipientCount: number;
  /** Replies once and closes. */
  close(reply: SmtpReply): void;
}

/** Each may throw SmtpError to refuse; anything else thrown is answered 451 and reported. */
export interface Handlers {
  connected(client: Client): void;
  /** Before each command; throwing closes the connection with that reply. */
  command(client: Client): void;
  /** Whether a login can be answered at all. */
  loginOpen(): void;
  login(client: Client, username: string, password: string): Promise<void>;
  mail(client: Client, from: string): Promise<void>;
  recipient(client: Client, address: string): void;
  /** Resolves to the text of the 250. */
  data(client: Client, envelope: Envelope, stream: DataStream): Promise<string>;
  /** After a refused login or the end of DATA was answered. */
  replied(client: Client): void;
  closed(client: Client): void;
  failed(client: Client, error: unknown): void;
}
