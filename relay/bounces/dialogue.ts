/** The dialogue on the bounce port: no login, the null sender only, to one signed return path. */
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { Ingress } from '../message/index.ts';
import {
  type Client,
  type Envelope,
  type Handlers,
  type Receiving,
  REPLIES,
  SmtpError,
} from '../session/index.ts';
import type { BounceIntake } from './intake.ts';
import type { ReturnPaths } from './return-paths.ts';
import { type BounceSession, BounceSessions } from './sessions.ts';

export interface BounceDialogueOptions {
  readonly paths: ReturnPaths;
  readonly intake: BounceIntake;
  readonly log: Log;
  readonly storeFailed: (error: unknown) => void;
}

/** A report with the header of what it is about; whoever returns all of a large message is refused. */
export const MAX_BOUNCE_SIZE = 1024 * 1024;

const NO_LOGIN = { code: 503, enhanced: '5.5.1', text: 'No login here' };
const ONLY_BOUNCES = { code: 550, enhanced: '5.7.1', text: 'Only bounces are taken here' };
const MALFORMED = { code: 554, enhanced: '5.6.0', text: 'Message is malformed' };
const UNKNOWN = { code: 550, enhanced: '5.1.1', text: 'No such return path' };

export class BounceDialogue implements Handlers {
  readonly #options: BounceDialogueOptions;
  readonly sessions = new BounceSessions();

  constructor(options: BounceDialogueOptions) {
    this.#options = options;
  }

  connected(client: Client): void {
    this.sessions.open(client);
  }

  closed(client: Client): void {
    this.sessions.closed(client);
  }

  command(client: Client): void {
    this.sessions.get(client).commandAt = Date.now();
  }

  loginOpen(): void {
    throw new SmtpError(NO_LOGIN);
  }

  async login(): Promise<void> {
    throw new SmtpError(NO_LOGIN);
  }

  mail(_client: Client, from: string): undefined {
    if (from !== '') throw new SmtpError(ONLY_BOUNCES);
  }

  recipient(client: Client, address: string): string {
    if (client.recipientCount > 0) throw new SmtpError(REPLIES.tooManyRecipients);
    if (!this.#options.paths.read(address, Date.now())) throw new SmtpError(UNKNOWN);
    return address;
  }

  data(client: Client, { recipients }: Envelope): Receiving {
    const { paths, intake, storeFailed } = this.#options;
    const path = paths.read(recipients[0] ?? '', Date.now());
    if (!path) throw new SmtpError(UNKNOWN);
    const from = `${client.greeting.replace(/[^\w.:[\]-]/g, '?').slice(0, 128)} ([${client.address}])`;
    return new Reading(this.sessions.get(client), async (raw, headerSize) => {
      try {
        await intake.take({ path, raw, headerSize, from });
      } catch (error) {
        storeFailed(error);
        throw new SmtpError(REPLIES.storeFailed);
      }
    });
  }

  replied(): void {}

  failed(client: Client, error: unknown): void {
    this.#options.log.error({ session: client.id, cause: describeCause(error) }, 'bounce session failed');
  }
}

/** One report in memory, bounded. */
class Reading implements Receiving {
  readonly #session: BounceSession;
  readonly #take: (raw: Buffer, headerSize: number) => Promise<void>;
  readonly #ingress: Ingress;
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #headerSize = 0;

  constructor(session: BounceSession, take: (raw: Buffer, headerSize: number) => Promise<void>) {
    this.#session = session;
    this.#take = take;
    this.#ingress = new Ingress({
      onHeader: (text) => {
        const header = Buffer.from(`${text}\r\n`, 'latin1');
        this.#headerSize = header.length;
        this.#chunks.push(header);
      },
      onBody: (chunk) => this.#chunks.push(Buffer.from(chunk)),
    });
  }

  write(chunk: Buffer): undefined {
    this.#session.commandAt = Date.now();
    this.#received += chunk.length;
    if (this.#received <= MAX_BOUNCE_SIZE) this.#ingress.write(chunk);
  }

  async finish(): Promise<string> {
    if (this.#received > MAX_BOUNCE_SIZE) throw new SmtpError(REPLIES.tooBig);
    this.#ingress.end();
    if (this.#ingress.problem) throw new SmtpError(MALFORMED);
    this.#session.committing = true;
    try {
      await this.#take(Buffer.concat(this.#chunks), this.#headerSize);
      return 'Ok';
    } finally {
      this.#session.committing = false;
      this.#session.commandAt = Date.now();
    }
  }

  abort(): void {
    this.#chunks.length = 0;
  }
}
