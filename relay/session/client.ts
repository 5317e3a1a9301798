/** What the dialogue knows of a connected client, and what the library tells the dialogue. No library here. */
import type { DsnRequest } from '../spool/index.ts';
import type { SmtpReply } from './replies.ts';

export interface Envelope {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly smtpUtf8: boolean;
  readonly dsn: DsnRequest | undefined;
}

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

/** One message on its way in. */
export interface Receiving {
  /** The next bytes, without the dots that DATA doubles. A promise: no more before it resolves; it never rejects. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** All of it is in: the text of the 250 once it is durable; SmtpError refuses. */
  finish(): Promise<string>;
  /** The client left or began anew: nothing stays. */
  abort(): void;
}

/** Each may throw SmtpError to refuse; anything else thrown is answered 451 and reported. */
export interface Handlers {
  connected(client: Client): void;
  /** Before each command; throwing closes the connection with that reply. */
  command(client: Client): void;
  /** Whether a login can be answered at all. */
  loginOpen(): void;
  login(client: Client, username: string, password: string): Promise<void>;
  /** A promise only where the store has to be asked. */
  mail(client: Client, from: string): Promise<void> | undefined;
  /** Answers the address as it goes into the envelope. */
  recipient(client: Client, address: string): string;
  data(client: Client, envelope: Envelope): Receiving;
  /** After a refused login or the end of a message was answered. */
  replied(client: Client): void;
  closed(client: Client): void;
  failed(client: Client, error: unknown): void;
}
