/** An SMTP client that does as little as a client can: STARTTLS, AUTH PLAIN, pipelined transactions. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { Login } from './job.ts';

/** One for all: making it reads the machine's root certificates. */
const secureContext = createSecureContext({ minVersion: 'TLSv1.3' });

export interface ClientOptions {
  readonly port: number;
  readonly login: Login;
  /** Source address; many of them where one has too few ports. */
  readonly localAddress?: string;
}

/** Connects, says EHLO, upgrades, says EHLO again and logs in. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { port, localAddress } = options;
  const tcp = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...(localAddress && { localAddress }) });
  const plain = new Client(tcp);
  await plain.expect('220');
  await plain.say('EHLO client.example\r\n', '250');
  await plain.say('STARTTLS\r\n', '220');
  plain.release();
  // Certificates are made for this run and prove nothing: checking them would only cost the load CPU.
  const tls = connectTls({ socket: tcp, secureContext, rejectUnauthorized: false });
  const client = new Client(tls);
  await client.say('EHLO client.example\r\n', '250');
  const { username, password } = options.login;
  const token = Buffer.from(`\0${username}\0${password}`).toString('base64');
  await client.say(`AUTH PLAIN ${token}\r\n`, '235');
  return client;
}

export class Client {
  readonly #socket: Socket;
  #rest = '';
  #expected: string[] = [];
  #done: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** Writes and waits for replies with these codes, in this order. */
  say(data: string | Buffer, ...codes: string[]): Promise<void> {
    this.#socket.write(data);
    return this.expect(...codes);
  }

  expect(...codes: string[]): Promise<void> {
    this.#expected = codes;
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure);
      else this.#done = { resolve, reject };
    });
  }

  /** Says QUIT and leaves without waiting, as most clients do. */
  quit(): void {
    this.release();
    this.#socket.end('QUIT\r\n');
    this.#socket.resume();
  }

  /** Leaves the socket to somebody else. */
  release(): void {
    this.#socket.removeAllListeners('data');
    this.#socket.removeAllListeners('close');
  }

  #read(text: string): void {
    let data = this.#rest + text;
    for (let end = data.indexOf('\r\n'); end !== -1; end = data.indexOf('\r\n')) {
      const line = data.slice(0, end);
      data = data.slice(end + 2);
      if (line.charCodeAt(3) !== 45 /* - */) this.#reply(line);
    }
    this.#rest = data;
  }

  #reply(line: string): void {
    const code = this.#expected.shift();
    if (code === undefined || !line.startsWith(code)) {
      this.#fail(new Error(`expected ${code ?? 'nothing'}, got: ${line}`));
    } else if (this.#expected.length === 0) {
      const done = this.#done;
      this.#done = undefined;
      done?.resolve();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#done?.reject(this.#failure);
    this.#done = undefined;
  }
}
