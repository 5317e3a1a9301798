/** Where mail goes next, independent of how it is sent there. */
import type { BodyRange } from '../spool/index.ts';

export type TlsMode = 'Required' | 'Opportunistic' | 'Implicit' | 'None';

export interface Target {
  /** Name to connect to and to verify. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  readonly caPem?: string | undefined;
  /** Our name in EHLO. */
  readonly ehloName: string;
}

/** What is sent in one transaction. */
export interface OutgoingMessage {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly size: number;
  readonly eightBit: boolean;
  /** Signature fields, to stand before the stored bytes. */
  readonly prefix: string;
  readonly content: WholeContent;
  /** Passed on where the next hop offers DSN. */
  readonly dsn?: TransactionDsn;
}

/** RFC 3461, for all recipients of one transaction; values are not encoded yet. */
export interface TransactionDsn {
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  readonly notify?: string[];
  readonly orcpt?: string;
}

export type Content =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  /** Too large for memory: read from the store, as often as needed. */
  | { readonly kind: 'stored'; readonly read: (range?: BodyRange) => AsyncIterable<Uint8Array> };

/** Content that is read from its beginning to its end. */
export type WholeContent =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  | { readonly kind: 'stored'; readonly read: () => AsyncIterable<Uint8Array> };

export interface RecipientReply {
  readonly address: string;
  /** SMTP code, or 0 where the transaction ended before one came. */
  readonly code: number;
  readonly text: string;
}

export type SendResult =
  | {
      readonly kind: 'answered';
      readonly remoteHost: string;
      readonly replies: readonly RecipientReply[];
      /** The host offers DSN, so what was asked for is now its to report. */
      readonly dsnPassed: boolean;
    }
  /** The connection ended. `unknown`: after the data was begun, so the message may have arrived. */
  | { readonly kind: 'lost'; readonly remoteHost: string; readonly unknown: boolean; readonly cause: string };

/** The next hop cannot be used at all at the moment: no message's fault. */
export class TargetDown extends Error {
  readonly stage: 'resolve' | 'connect' | 'login';
  /** True where no later attempt can succeed, e.g. an address that we must not connect to. */
  readonly permanent: boolean;
  /** False where it was known to be down and not asked. */
  readonly attempted: boolean;

  constructor(
    stage: TargetDown['stage'],
    message: string,
    { permanent = false, attempted = true }: { permanent?: boolean; attempted?: boolean } = {},
  ) {
    super(message);
    this.name = 'TargetDown';
    this.stage = stage;
    this.permanent = permanent;
    this.attempted = attempted;
  }
}
