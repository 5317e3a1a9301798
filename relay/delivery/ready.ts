/**
 * Messages in memory that may go now: each account in turn, and of an account each destination in turn. Pure.
 * A destination without room is passed over, so that mail for a slow one waits alone.
 */
import type { ClaimedMessage } from '../spool/index.ts';

/** A message, or the part of it that goes to one destination. */
export interface Parcel {
  readonly message: ClaimedMessage;
  readonly destination: string;
}

type Lanes = Map<string, ClaimedMessage[]>;

export class ReadyQueue {
  /** Both maps in order of the next turn: what was served goes to the end. */
  readonly #byAccount = new Map<string, Lanes>();
  readonly #waiting = new Map<string, number>();
  readonly #ofAccount = new Map<string, number>();
  #recipients = 0;
  #bytes = 0;

  get recipients(): number {
    return this.#recipients;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that wait for this destination. */
  waitingFor(destination: string): number {
    return this.#waiting.get(destination) ?? 0;
  }

  /** Messages that wait for their account's turn. */
  ofAccount(accountId: string): number {
    return this.#ofAccount.get(accountId) ?? 0;
  }

  destinations(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Takes out what waits for this destination. */
  remove(destination: string): Parcel[] {
    const removed = [...this.#byAccount].flatMap(([account, lanes]) => {
      const lane = lanes.get(destination) ?? [];
      lanes.delete(destination);
      if (lanes.size === 0) this.#byAccount.delete(account);
      return lane.map((message) => ({ message, destination }));
    });
    for (const parcel of removed) this.#count(parcel, -1);
    return removed;
  }

  push({ message, destination }: Parcel): void {
    const lanes: Lanes = this.#byAccount.get(message.accountId) ?? new Map<string, ClaimedMessage[]>();
    this.#byAccount.set(message.accountId, lanes);
    const lane = lanes.get(destination);
    if (lane) lane.push(message);
    else lanes.set(destination, [message]);
    this.#count({ message, destination }, 1);
  }

  shift(hasRoom: (destination: string) => boolean): Parcel | undefined {
    for (const [account, lanes] of this.#byAccount) {
      const parcel = takeFrom(lanes, hasRoom);
      if (!parcel) continue;
      this.#byAccount.delete(account);
      if (lanes.size > 0) this.#byAccount.set(account, lanes);
      this.#count(parcel, -1);
      return parcel;
    }
    return undefined;
  }

  #count({ message, destination }: Parcel, sign: 1 | -1): void {
    add(this.#waiting, destination, sign);
    add(this.#ofAccount, message.accountId, sign);
    this.#recipients += sign * message.recipients.length;
    if (message.body?.kind === 'inline') this.#bytes += sign * message.body.data.length;
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function takeFrom(lanes: Lanes, hasRoom: (destination: string) => boolean): Parcel | undefined {
  for (const [destination, lane] of lanes) {
    if (!hasRoom(destination)) continue;
    const message = lane.shift();
    lanes.delete(destination);
    if (lane.length > 0) lanes.set(destination, lane);
    if (message) return { message, destination };
  }
  return undefined;
}
