/** SMTP by hand: single bytes and lines as a test wants them, over STARTTLS or TLS with the certificate verified. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HOSTNAME, PASSWORD, type TestRelay, USERNAME } from './relay.ts';

export class Dialogue {
  #socket: Socket;
  readonly #ca: Buffer;
  #buffer = '';
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, ca: Buffer) {
    this.#socket = socket;
    this.#ca = ca;
    this.#listen();
  }

  /** Connected, greeting not read yet. `before` goes ahead of all else, also of the TLS handshake. */
  static async open(
    relay: TestRelay,
    mode: 'starttls' | 'tls' = 'starttls',
    { from = '127.0.0.1', before = Buffer.alloc(0) }: { from?: string; before?: Buffer } = {},
  ): Promise<Dialogue> {
    const ca = readFileSync(relay.pki.caFile);
    const plain = connect({ host: '127.0.0.1', port: relay.ports[mode], localAddress: from });
    if (before.length > 0) plain.write(before);
    const socket = mode === 'tls' ? connectTls({ socket: plain, ca, servername: HOSTNAME }) : plain;
    const dialogue = new Dialogue(socket, ca);
    await once(socket, mode === 'tls' ? 'secureConnect' : 'connect');
    return dialogue;
  }

  /** Greeted, under TLS and logged in. */
  static async loggedIn(relay: TestRelay, username = USERNAME, password = PASSWORD): Promise<Dialogue> {
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    const answer = await dialogue.login(username, password);
    if (!answer.startsWith('235')) throw new Error(`login answered ${answer}`);
    return dialogue;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Writes, and resolves when the socket has room for more. */
  async drained(bytes: Buffer): Promise<void> {
    if (!this.#socket.write(bytes) && !this.#closed) await once(this.#socket, 'drain');
  }

  /** One whole reply, its lines joined by \n; empty when the connection ended. */
  async reply(timeoutMs = 10_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const match = /^(?:\d{3}-[^\r]*\r\n)*\d{3}(?: [^\r]*)?\r\n/.exec(this.#buffer);
      if (match) {
        this.#buffer = this.#buffer.slice(match[0].length);
        return match[0].trimEnd().replaceAll('\r\n', '\n');
      }
      if (this.#closed) return '';
      if (Date.now() > deadline) throw new Error(`no reply; so far: ${this.#buffer}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  async startTls(): Promise<void> {
    const raw = this.#socket;
    raw.removeAllListeners();
    this.#socket = connectTls({ socket: raw, ca: this.#ca, servername: HOSTNAME });
    this.#listen();
    await once(this.#socket, 'secureConnect');
  }

  login(username = USERNAME, password = PASSWORD): Promise<string> {
    return this.ask(`AUTH PLAIN ${Buffer.from(`\0${username}\0${password}`).toString('base64')}`);
  }

  /** MAIL, RCPT, DATA and the message; answers the last reply, or the first that refuses. */
  async send(message: { from?: string; to?: string[]; data?: string } = {}): Promise<string> {
    const { from = 'hello@shop.example', to = ['someone@example.com'], data = simpleMessage() } = message;
    const commands = [`MAIL FROM:<${from}>`, ...to.map((address) => `RCPT TO:<${address}>`), 'DATA'];
    for (const command of commands) {
      const answer = await this.ask(command);
      if (/^[45]/.test(answer)) return answer;
    }
    this.write(data);
    return this.ask(data.endsWith('\r\n') ? '.' : '\r\n.');
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (chunk) => {
      this.#buffer += chunk.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }
}

export function simpleMessage(headers: Record<string, string> = {}, body = 'Hello!\r\n'): string {
  const all = { From: 'hello@shop.example', To: 'someone@example.com', Subject: 'Test', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${lines.join('')}\r\n${body}`;
}
