/** One message from its first byte to the durable accept; whatever goes wrong is said once all of it was read. */
import type { Receiving } from './client.ts';
import type { Intake, Taken } from './intake.ts';
import type { Session } from './registry.ts';
import { REPLIES, SmtpError } from './replies.ts';

export interface ReceptionOptions {
  readonly session: Session;
  readonly intake: Intake;
  readonly maxSize: number;
  /** A failing store as the reply for it. */
  readonly stored: <T>(work: Promise<T>) => Promise<T>;
  /** Resolves once the message is durable; SmtpError refuses. */
  readonly accept: (taken: Taken) => Promise<string>;
  /** Counts what was refused. */
  readonly refused: (error: SmtpError) => void;
}

export class Reception implements Receiving {
  readonly #options: ReceptionOptions;
  #size = 0;
  #failure: unknown;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    options.session.deadlines.dataStarted(Date.now());
  }

  write(chunk: Buffer): Promise<void> | undefined {
    const { session, intake, maxSize, stored } = this.#options;
    session.deadlines.dataBytes(chunk.length);
    this.#size += chunk.length;
    if (this.#failure !== undefined) return undefined;
    if (this.#size > maxSize) {
      this.#refuse(new SmtpError(REPLIES.tooBig));
      return undefined;
    }
    const writing = intake.write(chunk);
    if (intake.refusal) this.#refuse(intake.refusal);
    return writing && stored(writing).catch((error: unknown) => void (this.#failure ??= error));
  }

  async finish(): Promise<string> {
    const { session, intake, stored, accept } = this.#options;
    session.deadlines.dataEnded(Date.now());
    session.committing = true;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const taken = intake.finish();
      return await accept(taken instanceof Promise ? await stored(taken) : taken);
    } catch (error) {
      await intake.abort();
      throw error;
    } finally {
      session.committing = false;
    }
  }

  abort(): void {
    const { session, intake, stored } = this.#options;
    session.deadlines.dataEnded(Date.now());
    void stored(intake.abort()).catch(() => undefined);
  }

  #refuse(error: SmtpError): void {
    this.#failure = error;
    this.#options.refused(error);
  }
}
