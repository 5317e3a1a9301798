/**
 * One login as a client makes it: EHLO, STARTTLS with full verification, EHLO, AUTH PLAIN.
 *
 * Small on purpose: it must tell exactly three things apart, and hold the password no longer than needed. Replies are
 * never quoted, only their code: a server under attack could echo what it was sent.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { relayApi } from '../api/index.ts';
import { TlsSessions } from './tls-sessions.ts';

export interface LoginTarget {
  address: string;
  port: number;
  /** Name that the certificate must be valid for. */
  servername: string;
  /** PEM to trust instead of the built-in roots. */
  ca: string | undefined;
}

/** 'unavailable': the server could not say; try again. */
export type LoginOutcome =
  { kind: 'accepted' } | { kind: 'refused'; code: number } | { kind: 'unavailable'; detail: string };

/** Longest reply that is read; ours are a few hundred bytes. */
const MOST_BYTES = 16_384;
const AUTH_REFUSED = [530, 534, 535, 550, 554];

export async function login(
  target: LoginTarget,
  credentials: { username: string; password: string },
  timeoutMs = 5_000,
): Promise<LoginOutcome> {
  const socket = connectTcp({ host: target.address, port: target.port, noDelay: true });
  const deadline = setTimeout(() => socket.destroy(new Error(`no login within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await dialogue(socket, target, credentials);
  } catch (error) {
    return { kind: 'unavailable', detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}

async function dialogue(
  socket: Socket,
  target: LoginTarget,
  { username, password }: { username: string; password: string },
): Promise<LoginOutcome> {
  const plain = new Conversation(socket);
  await plain.expect(220);
  const offers = await plain.ask(`EHLO ${relayApi.PROOF_EHLO_NAME}`, 250);
  if (!/^250[ -]STARTTLS\b/im.test(offers.text)) return unavailable('STARTTLS is not offered');
  await plain.ask('STARTTLS', 220);
  const secure = new Conversation(await upgrade(socket, plain, target));
  await secure.ask(`EHLO ${relayApi.PROOF_EHLO_NAME}`, 250);
  const token = Buffer.from(`\0${username}\0${password}`).toString('base64');
  const { code } = await secure.ask(`AUTH PLAIN ${token}`);
  secure.bye();
  if (code === 235) return { kind: 'accepted' };
  return AUTH_REFUSED.includes(code)
    ? { kind: 'refused', code }
    : unavailable(`AUTH was answered with ${code}`);
}

function unavailable(detail: string): LoginOutcome {
  return { kind: 'unavailable', detail };
}

/** STARTTLS was answered with 220: the socket from here on. */
export function upgrade(socket: Socket, plain: Conversation, target: LoginTarget): Promise<TLSSocket> {
  plain.release();
  const { address, port, servername, ca = '' } = target;
  const peer = `${address} ${port} ${servername} ${ca}`;
  const session = sessions.find(peer);
  const secureContext = contextFor(target.ca);
  const secure = connectTls({ socket, servername, secureContext, ...(session && { session }) });
  secure.on('session', (offered) => sessions.keep(peer, offered, secure.isSessionReused()));
  return new Promise((resolve, reject) => {
    secure.once('error', reject);
    socket.once('close', () => reject(new Error('closed during the TLS handshake')));
    secure.once('secureConnect', () => resolve(secure));
  });
}

const sessions = new TlsSessions();

/** Parsing a bundle costs more than the handshake's own cryptography: done once for each. */
const contexts = new Map<string, SecureContext>();
const MOST_CONTEXTS = 100;

function contextFor(ca: string | undefined): SecureContext {
  const id = ca ?? '';
  const known = contexts.get(id);
  if (known !== undefined) return known;
  if (contexts.size >= MOST_CONTEXTS) contexts.clear();
  const context = createSecureContext({ ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' });
  contexts.set(id, context);
  return context;
}

export interface Reply {
  code: number;
  text: string;
}

/** Commands and replies on one socket, one at a time. */
export class Conversation {
  readonly #socket: Socket;
  #received = '';
  #failure: Error | undefined;
  #wake: () => void = () => undefined;
  readonly #onData = (data: Buffer): void => {
    this.#received += data.toString('latin1');
    this.#wake();
  };
  readonly #onEnd = (error?: Error): void => {
    this.#failure ??= error instanceof Error ? error : new Error('closed by the server');
    this.#wake();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData).on('error', this.#onEnd).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  /** Leave the socket to TLS. */
  release(): void {
    this.#socket.off('data', this.#onData);
  }

  async ask(command: string, expected?: number): Promise<Reply> {
    // Whatever came before the command belongs to no reply: injected before TLS, it must not be read after.
    if (this.#received !== '') throw new Error('the server spoke out of turn');
    this.#socket.write(`${command}\r\n`);
    return this.expect(expected);
  }

  async expect(expected?: number): Promise<Reply> {
    const reply = await this.#reply();
    if (expected !== undefined && reply.code !== expected) throw new Error(`answered with ${reply.code}`);
    return reply;
  }

  bye(): void {
    this.#socket.write('QUIT\r\n');
  }

  async #reply(): Promise<Reply> {
    for (;;) {
      const end = /^([0-9]{3})(?: [^\r\n]*)?\r\n/m.exec(this.#received);
      if (end !== null) {
        const length = end.index + end[0].length;
        const text = this.#received.slice(0, length);
        this.#received = this.#received.slice(length);
        return { code: Number(end[1]), text };
      }
      if (this.#received.length > MOST_BYTES) throw new Error('the reply has no end');
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
