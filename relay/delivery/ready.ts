/** Messages in memory that may go now, taken from each account in turn. Pure. */
import type { ClaimedMessage } from '../spool/index.ts';

export class ReadyQueue {
  /** In order of the next turn: an account that was served goes to the end. */
  readonly #byAccount = new Map<string, ClaimedMessage[]>();
  #recipients = 0;
  #bytes = 0;

  get recipients(): number {
    return this.#recipients;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(message: ClaimedMessage): void {
    const key = message.accountId;
    const queue = this.#byAccount.get(key);
    if (queue) queue.push(message);
    else this.#byAccount.set(key, [message]);
    this.#count(message, 1);
  }

  shift(): ClaimedMessage | undefined {
    for (const [key, queue] of this.#byAccount) {
      const message = queue.shift();
      this.#byAccount.delete(key);
      if (queue.length > 0) this.#byAccount.set(key, queue);
      if (message) this.#count(message, -1);
      return message;
    }
    return undefined;
  }

  #count(message: ClaimedMessage, sign: 1 | -1): void {
    this.#recipients += sign * message.recipients.length;
    if (message.body?.kind === 'inline') this.#bytes += sign * message.body.data.length;
  }
}
