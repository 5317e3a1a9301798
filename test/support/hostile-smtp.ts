/**
 * An SMTP server that misbehaves as told: a fault injector for what no real server does on demand.
 * Flow: startHostile({script}) -> every verb gets its usual reply unless the script says otherwise.
 * Limits: knows no extension by itself; one message at a time; loopback only.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** Answered by a behaviour that has nothing against it this time. */
export const USUAL = Symbol('usual');

/** A reply line; or whatever is done to the connection: the reply, `USUAL`, or nothing, which leaves it hanging. */
export type Behaviour = string | ((session: HostileSession, line: string) => string | typeof USUAL | void);

export interface HostileScript {
  greeting?: Behaviour;
  EHLO?: Behaviour;
  STARTTLS?: Behaviour;
  MAIL?: Behaviour;
  RCPT?: Behaviour;
  DATA?: Behaviour;
  /** After the final dot. */
  dot?: Behaviour;
  AUTH?: Behaviour;
  RSET?: Behaviour;
  /** Lines of the usual reply to EHLO. */
  extensions?: readonly string[];
  /** Offered as STARTTLS where given. */
  certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}

export interface HostileMessage {
  readonly envelope: readonly string[];
  readonly data: string;
  readonly secure: boolean;
}

export interface Hostile {
  readonly address: string;
  readonly port: number;
  script: HostileScript;
  readonly messages: HostileMessage[];
  /** Commands of all sessions, in order. */
  readonly commands: string[];
  readonly openSessions: number;
  close(): Promise<void>;
}

export interface HostileSession {
  /** Adds CRLF. */
  say(line: string): void;
  raw(bytes: string | Buffer): void;
  /** Repeats `text` every `everyMs` until the connection ends. */
  trickle(text: string, everyMs: number): void;
  drop(): void;
  /** Reads nothing any more. */
  pause(): void;
}

export async function startHostile(
  script: HostileScript = {},
  { address = '127.0.0.1', port = 0 }: { address?: string; port?: number } = {},
): Promise<Hostile> {
  const sessions = new Set<Session>();
  const state = { script, messages: [] as HostileMessage[], commands: [] as string[] };
  const server = createServer((socket) => {
    const session = new Session(socket, hostile);
    sessions.add(session);
    socket.on('close', () => sessions.delete(session));
    session.begin();
  });
  const hostile: Hostile = Object.assign(state, {
    address,
    port: 0,
    openSessions: 0,
    async close() {
      for (const session of sessions) session.drop();
      server.close();
      await once(server, 'close');
    },
  });
  Object.defineProperty(hostile, 'openSessions', { get: () => sessions.size });
  server.listen(port, address);
  await once(server, 'listening');
  const bound = server.address();
  return Object.assign(hostile, { port: typeof bound === 'object' && bound ? bound.port : port });
}

type Verb = Exclude<keyof HostileScript, 'extensions' | 'certificate'>;

class Session implements HostileSession {
  #socket: Socket;
  readonly #hostile: Hostile;
  #buffer = '';
  #inData = false;
  #envelope: string[] = [];

  constructor(socket: Socket, hostile: Hostile) {
    this.#socket = socket;
    this.#hostile = hostile;
    this.#listen(socket);
  }

  begin(): void {
    this.#answer('greeting', '', '220 hostile.test ESMTP');
  }

  say(line: string): void {
    this.raw(`${line}\r\n`);
  }

  raw(bytes: string | Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  trickle(text: string, everyMs: number): void {
    const timer = setInterval(() => this.raw(text), everyMs);
    this.#socket.once('close', () => clearInterval(timer));
  }

  drop(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  #listen(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      this.#read();
    });
  }

  #read(): void {
    for (;;) {
      const mark = this.#inData ? '\r\n.\r\n' : '\r\n';
      const end = this.#buffer.indexOf(mark);
      if (end === -1) return;
      const text = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + mark.length);
      if (this.#inData) this.#message(text);
      else this.#command(text);
    }
  }

  #message(data: string): void {
    this.#inData = false;
    const secure = this.#socket instanceof TLSSocket;
    this.#hostile.messages.push({ envelope: this.#envelope, data, secure });
    this.#answer('dot', '', '250 2.0.0 taken');
  }

  #command(line: string): void {
    this.#hostile.commands.push(line);
    const verb = line.slice(0, line.search(/[ :]|$/)).toUpperCase();
    const { extensions = [], certificate } = this.#hostile.script;
    switch (verb) {
      case 'EHLO': {
        const offers = certificate && !(this.#socket instanceof TLSSocket) ? ['STARTTLS'] : [];
        const lines = ['hostile.test', ...extensions, ...offers];
        const reply = lines.map((text, i) => `250${i < lines.length - 1 ? '-' : ' '}${text}`).join('\r\n');
        return this.#answer('EHLO', line, reply);
      }
      case 'HELO':
        return this.#answer('EHLO', line, '250 hostile.test');
      case 'STARTTLS':
        return this.#answer('STARTTLS', line, certificate ? '220 go' : '502 no', () => this.#secure());
      case 'MAIL':
        this.#envelope = [line];
        return this.#answer('MAIL', line, '250 2.1.0 ok');
      case 'RCPT':
        this.#envelope.push(line);
        return this.#answer('RCPT', line, '250 2.1.5 ok');
      case 'DATA':
        return this.#answer('DATA', line, '354 go on', () => (this.#inData = true));
      case 'AUTH':
        return this.#answer('AUTH', line, '235 2.7.0 ok');
      case 'QUIT':
        this.say('221 bye');
        this.#socket.end();
        return undefined;
      default:
        return this.#answer('RSET', line, '250 ok');
    }
  }

  #answer(verb: Verb, line: string, usual: string, then?: () => void): void {
    const behaviour = this.#hostile.script[verb] ?? USUAL;
    const said = typeof behaviour === 'function' ? behaviour(this, line) : behaviour;
    if (said === undefined) return;
    this.say(said === USUAL ? usual : said);
    if (said === USUAL) then?.();
  }

  #secure(): void {
    const { certificate } = this.#hostile.script;
    this.#socket.removeAllListeners('data');
    const secured = new TLSSocket(this.#socket, {
      isServer: true,
      secureContext: createSecureContext({ ...certificate }),
    });
    this.#socket = secured;
    this.#listen(secured);
  }
}
