/**
 * The one file that touches nodemailer: it opens the session (TCP, TLS, EHLO, login), then its socket is taken over
 * and mail goes by our own Transmission. Version 10.6.0 is pinned; private properties are read: what the next hop
 * offers, the socket, and the listener that reads from it.
 * Every stage has an absolute deadline, because nodemailer's own timeouts are idle ones.
 */
import { isIP, type Socket } from 'node:net';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { oneLine, RelayError } from '../errors.ts';
import { withDeadline } from './deadline.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { isInternational } from './envelope-commands.ts';
import {
  type OutgoingMessage,
  type RecipientReply,
  type SendResult,
  type Target,
  TargetDown,
} from './target.ts';
import { contextFor } from './tls-context.ts';
import { Transmission } from './transmission.ts';
import { Wire } from './wire.ts';

/** After QUIT. */
const CLOSE_MS = 1_000;

interface Private {
  readonly _supportedExtensions: readonly string[];
  readonly _maxAllowedSize: number;
  readonly _socket: Socket;
  readonly _onSocketData: (chunk: Buffer) => void;
}

interface SmtpFailure extends Error {
  readonly response?: string;
}

export interface UpstreamConnection {
  readonly openedAt: number;
  /** False once either side has closed it. */
  readonly isOpen: boolean;
  /** Offers 8BITMIME. */
  readonly takesEightBit: boolean;
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
  readonly #socket: Socket;
  readonly #wire: Wire;
  readonly #offers: readonly string[];
  readonly #maxSize: number;
  #open = true;

  constructor(connection: SMTPConnection, remoteHost: string, deadlines: Deadlines) {
    this.#connection = connection;
    this.#remoteHost = remoteHost;
    this.#deadlines = deadlines;
    connection.on('error', () => (this.#open = false));
    connection.on('end', () => (this.#open = false));
    const { _socket, _onSocketData, _supportedExtensions, _maxAllowedSize } =
      connection as unknown as Private;
    this.#offers = _supportedExtensions;
    this.#maxSize = _maxAllowedSize;
    this.#socket = _socket;
    this.#wire = new Wire(_socket, () => this.#drop());
    _socket.off('data', _onSocketData);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get takesEightBit(): boolean {
    return this.#offers.includes('8BITMIME');
  }

  quit(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.end('QUIT\r\n');
    // What it answers interests nobody; that it closes is not left to it.
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref();
  }

  async send(message: OutgoingMessage): Promise<SendResult> {
    const unsupported = this.#unsupported(message);
    if (unsupported)
      return this.#answered(message.recipients.map((address) => ({ address, ...unsupported })));
    const transmission = new Transmission(this.#wire, message, this.#offers);
    try {
      const { sendMs, minBytesPerSecond } = this.#deadlines;
      const ms = sendMs + (message.size / minBytesPerSecond) * 1_000;
      const limit = { ms, host: this.#remoteHost, stage: 'sending' };
      const { replies, isComplete } = await withDeadline(limit, transmission.run(), () => this.#drop());
      if (!isComplete && this.#open) await this.#reset();
      return this.#answered(replies);
    } catch (error) {
      this.#drop();
      const { begun } = transmission;
      return { kind: 'lost', remoteHost: this.#remoteHost, unknown: begun, cause: describeFailure(error) };
    }
  }

  /** Clears the failed transaction; a connection that cannot is not used again. */
  async #reset(): Promise<void> {
    const limit = { ms: this.#deadlines.resetMs, host: this.#remoteHost, stage: 'RSET' };
    const reset = withDeadline(limit, this.#wire.exchange('RSET\r\n', 1), () => this.#drop());
    await reset.then(
      ([reply]) => reply?.startsWith('2') || this.#drop(),
      () => this.#drop(),
    );
  }

  #drop(): void {
    this.#open = false;
    this.#connection.close();
  }

  #answered(replies: readonly RecipientReply[]): SendResult {
    const dsnPassed = this.#offers.includes('DSN');
    return { kind: 'answered', remoteHost: this.#remoteHost, replies, dsnPassed };
  }

  /** What this host has said it cannot take is not tried. */
  #unsupported(message: OutgoingMessage): { code: number; text: string } | undefined {
    const maxSize = this.#maxSize;
    const addresses = [message.from, ...message.recipients];
    // None of ours looks like this: whatever let it through, it must not become a command.
    if (addresses.some((address) => /[\r\n<>]/.test(address))) {
      return { code: 553, text: '553 5.1.3 The address is malformed' };
    }
    if (maxSize > 0 && message.size + message.prefix.length > maxSize) {
      return {
        code: 552,
        text: `552 5.3.4 Message is larger than the ${maxSize} bytes that the next hop takes`,
      };
    }
    if (addresses.some(isInternational) && !this.#offers.includes('SMTPUTF8')) {
      return { code: 553, text: '553 5.6.7 The next hop does not take addresses beyond ASCII' };
    }
    if (message.eightBit && !this.takesEightBit) {
      return { code: 554, text: '554 5.6.3 The next hop does not take 8-bit content' };
    }
    return undefined;
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof RelayError) return error.message;
  const failure = error as SmtpFailure;
  return oneLine(failure.response ?? failure.message ?? String(error));
}
