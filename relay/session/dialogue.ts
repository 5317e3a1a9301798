/** Answers the library's questions by asking login and submission; keeps the registry of sessions in step. */
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Directory } from '../policy/index.ts';
import type { Client, Envelope, Handlers, Receiving } from './client.ts';
import type { Login } from './login.ts';
import type { SessionRegistry } from './registry.ts';
import { REPLIES, SmtpError } from './replies.ts';
import type { Submission } from './submission.ts';

export interface DialogueOptions {
  readonly directory: Directory;
  readonly registry: SessionRegistry;
  readonly login: Login;
  readonly submission: Submission;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Whether all shards are known, so that a login can be judged. */
  readonly isComplete: () => boolean;
}

export class Dialogue implements Handlers {
  readonly #options: DialogueOptions;

  constructor(options: DialogueOptions) {
    this.#options = options;
  }

  /** Logins may have been withdrawn and limits changed. */
  directoryChanged(): void {
    const { directory, registry, submission } = this.#options;
    submission.directoryChanged();
    registry.review((id) => directory.accountById(id));
  }

  connected(client: Client): void {
    const { registry, metrics } = this.#options;
    registry.open(client);
    metrics.sessions.set(registry.size);
  }

  closed(client: Client): void {
    const { registry, metrics } = this.#options;
    registry.closed(client);
    metrics.sessions.set(registry.size);
  }

  command(client: Client): void {
    this.#options.registry.get(client).deadlines.command(Date.now());
  }

  loginOpen(): void {
    if (!this.#options.isComplete()) throw new SmtpError(REPLIES.authIncomplete);
  }

  login(client: Client, username: string, password: string): Promise<void> {
    return this.#options.login.login(client, username, password);
  }

  mail(client: Client, from: string): Promise<void> | undefined {
    return this.#options.submission.mail(client, from);
  }

  recipient(client: Client, address: string): string {
    return this.#options.submission.recipient(client, address);
  }

  data(client: Client, envelope: Envelope): Receiving {
    return this.#options.submission.data(client, envelope);
  }

  replied(client: Client): void {
    this.#options.registry.afterReply(client);
  }

  failed(client: Client, error: unknown): void {
    this.#options.log.error(
      { session: client.id, cause: describeCause(error), error },
      'session handler failed',
    );
  }
}
