/**
 * The one file that touches nodemailer: a connection to a next hop. Version 10.6.0 is pinned; two private
 * properties are read (extensions and size offered, and refused recipients when DATA fails).
 * Every stage has an absolute deadline, because nodemailer's own timeouts are idle ones.
 */
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import SMTPConnection, { type SentMessageInfo } from 'nodemailer/lib/smtp-connection';
import { oneLine, RelayError } from '../errors.ts';
import { withDeadline } from './deadline.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { MessageSource } from './message-source.ts';
import {
  type OutgoingMessage,
  type RecipientReply,
  type SendResult,
  type Target,
  TargetDown,
} from './target.ts';
import { contextFor } from './tls-context.ts';

interface Private {
  readonly _supportedExtensions: readonly string[];
  readonly _maxAllowedSize: number;
  readonly _envelope: { readonly rejectedErrors?: readonly SmtpFailure[] } | false;
}

interface SmtpFailure extends Error {
  readonly response?: string;
  readonly responseCode?: number;
  readonly recipient?: string;
  readonly rejectedErrors?: readonly SmtpFailure[];
}

export interface UpstreamConnection {
  readonly openedAt: number;
  /** False once either side has closed it. */
  readonly isOpen: boolean;
  send(message: OutgoingMessage): Promise<SendResult>;
  /** Says QUIT and closes. */
  quit(): void;
}

/** Connects, upgrades, logs in. `address` is the resolved one. Throws TargetDown. */
export async function connect(
  target: Target,
  address: string,
  deadlines: Deadlines = DEADLINES,
): Promise<UpstreamConnection> {
  const implicit = target.tls === 'Implicit' || (target.tls === 'Required' && target.port === 465);
  const connection = new SMTPConnection({
    host: address,
    port: target.port,
    secure: implicit,
    requireTLS: target.tls === 'Required' && !implicit,
    ignoreTLS: target.tls === 'None',
    opportunisticTLS: target.tls === 'Opportunistic',
    name: target.ehloName,
    connectionTimeout: deadlines.connectMs,
    greetingTimeout: deadlines.connectMs,
    // Each transaction has a deadline of its own, which may be longer than the library's idle one.
    socketTimeout: 2 * deadlines.sendMs,
    socketCloseTimeout: 1_000,
    maxResponseSize: 64 * 1024,
    logger: false,
    tls: {
      minVersion: 'TLSv1.2',
      secureContext: contextFor(target.caPem),
      rejectUnauthorized: target.tls !== 'Opportunistic',
      ...(isIP(target.host) === 0 && { servername: target.host }),
    },
  });
  try {
    const limit = { ms: deadlines.setupMs, host: target.host, stage: 'connecting' };
    await withDeadline(limit, openSession(connection, target), () => connection.close());
  } catch (error) {
    connection.close();
    throw error instanceof TargetDown ? error : new TargetDown('connect', describeFailure(error));
  }
  return new Upstream(connection, `${target.host} [${address}]`, deadlines);
}

async function openSession(connection: SMTPConnection, target: Target): Promise<void> {
  const lost = new Promise<never>((_, reject) => {
    connection.on('error', reject);
    connection.on('end', () => reject(new Error('the connection was closed')));
  });
  lost.catch(() => undefined);
  const ready = new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  await Promise.race([ready, lost]);
  if (!target.credentials) return;
  if (!connection.secure && target.tls !== 'None') {
    throw new TargetDown('login', 'the next hop offers no TLS, so the login is not sent');
  }
  await Promise.race([login(connection, target.credentials), lost]);
}

function login(connection: SMTPConnection, { username, password }: NonNullable<Target['credentials']>) {
  return new Promise<void>((resolve, reject) => {
    connection.login({ credentials: { user: username, pass: password } }, (error) =>
      error ? reject(new TargetDown('login', describeFailure(error))) : resolve(),
    );
  });
}

class Upstream implements UpstreamConnection {
  readonly openedAt = Date.now();
  readonly #connection: SMTPConnection;
  readonly #remoteHost: string;
  readonly #deadlines: Deadlines;
  #open = true;

  constructor(connection: SMTPConnection, remoteHost: string, deadlines: Deadlines) {
    this.#connection = connection;
    this.#remoteHost = remoteHost;
    this.#deadlines = deadlines;
    connection.on('error', () => (this.#open = false));
    connection.on('end', () => (this.#open = false));
  }

  get isOpen(): boolean {
    return this.#open;
  }

  quit(): void {
    if (this.#open) this.#connection.quit();
    this.#open = false;
  }

  async send(message: OutgoingMessage): Promise<SendResult> {
    const unsupported = this.#unsupported(message);
    if (unsupported)
      return this.#answered(message.recipients.map((address) => ({ address, ...unsupported })));
    const source = new MessageSource(message);
    try {
      const { sendMs, minBytesPerSecond } = this.#deadlines;
      const ms = sendMs + (message.size / minBytesPerSecond) * 1_000;
      const limit = { ms, host: this.#remoteHost, stage: 'sending' };
      const info = await withDeadline(limit, this.#transact(message, source), () => this.#drop());
      const refused = new Map(
        (info.rejectedErrors ?? []).map((error) => [(error as SmtpFailure).recipient, error]),
      );
      return this.#answered(
        message.recipients.map((address) =>
          replyOf(address, refused.get(address) as SmtpFailure, info.response),
        ),
      );
    } catch (error) {
      return this.#failed(message, error as SmtpFailure, source.begun);
    }
  }

  #transact(message: OutgoingMessage, source: Readable) {
    return new Promise<SentMessageInfo>((resolve, reject) => {
      this.#connection.send(
        {
          from: message.from,
          to: [...message.recipients],
          size: message.size + message.prefix.length,
          use8BitMime: message.eightBit,
          ...(message.dsn && { dsn: message.dsn }),
        },
        source,
        (error, info) => (error ? reject(error) : resolve(info)),
      );
    });
  }

  /** A reply to MAIL, RCPT or DATA counts for each recipient; without one the connection is gone. */
  async #failed(message: OutgoingMessage, error: SmtpFailure, begun: boolean): Promise<SendResult> {
    const response = error.response;
    if (!response || !/^[45]\d\d/.test(response)) {
      this.#drop();
      return { kind: 'lost', remoteHost: this.#remoteHost, unknown: begun, cause: describeFailure(error) };
    }
    const envelope = (this.#connection as unknown as Private)._envelope;
    const own = error.rejectedErrors ?? (envelope ? envelope.rejectedErrors : undefined) ?? [];
    const refused = new Map(own.map((failure) => [failure.recipient, failure]));
    const replies = message.recipients.map((address) => replyOf(address, refused.get(address), response));
    if (this.#open) await this.#reset();
    return this.#answered(replies);
  }

  /** Clears the failed transaction; a connection that cannot is not used again. */
  async #reset(): Promise<void> {
    const reset = new Promise<void>((resolve, reject) => {
      this.#connection.reset((error) => (error ? reject(error) : resolve()));
    });
    const limit = { ms: this.#deadlines.resetMs, host: this.#remoteHost, stage: 'RSET' };
    await withDeadline(limit, reset, () => this.#drop()).catch(() => this.#drop());
  }

  #drop(): void {
    this.#open = false;
    this.#connection.close();
  }

  #answered(replies: readonly RecipientReply[]): SendResult {
    const { _supportedExtensions: offers } = this.#connection as unknown as Private;
    return { kind: 'answered', remoteHost: this.#remoteHost, replies, dsnPassed: offers.includes('DSN') };
  }

  /** What this host has said it cannot take is not tried: nodemailer would send it regardless. */
  #unsupported(message: OutgoingMessage): { code: number; text: string } | undefined {
    const { _supportedExtensions: offers, _maxAllowedSize: maxSize } = this.#connection as unknown as Private;
    if (maxSize > 0 && message.size + message.prefix.length > maxSize) {
      return {
        code: 552,
        text: `552 5.3.4 Message is larger than the ${maxSize} bytes that the next hop takes`,
      };
    }
    const isUtf8 = [message.from, ...message.recipients].some((address) => /[^ -~]/.test(address));
    if (isUtf8 && !offers.includes('SMTPUTF8')) {
      return { code: 553, text: '553 5.6.7 The next hop does not take addresses beyond ASCII' };
    }
    if (message.eightBit && !offers.includes('8BITMIME')) {
      return { code: 554, text: '554 5.6.3 The next hop does not take 8-bit content' };
    }
    return undefined;
  }
}

function replyOf(address: string, failure: SmtpFailure | undefined, response: string): RecipientReply {
  const text = oneLine(failure?.response ?? response);
  return { address, code: Number(/^\d{3}/.exec(text)?.[0] ?? 0), text };
}

function describeFailure(error: unknown): string {
  if (error instanceof RelayError) return error.message;
  const failure = error as SmtpFailure;
  return oneLine(failure.response ?? failure.message ?? String(error));
}
