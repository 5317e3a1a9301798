/**
 * This process' hold on what it delivers: one row with an expiry by the database's clock, renewed while we live.
 * What a process claimed whose row has expired becomes free again.
 */
import { RelayError } from '../../errors.ts';
import type { ClaimedRecipient } from '../types.ts';
import type { Migration } from '../migrations.ts';
import type { Connections, Statement } from './connections.ts';
import { withdraw } from './doubt.ts';
import type { Prepared } from './inserting.ts';
import { migrate } from './schema.ts';

export interface LeaseOptions {
  readonly connections: Connections;
  readonly leaseMs: number;
  readonly migrations: readonly Migration[];
  /** Claims of another process became free. */
  readonly onFreed: () => void;
  readonly onFault: (error: unknown) => void;
}

export const NOTICE: Statement = { name: 'notice', text: "SELECT pg_notify('migosmtp', $1)" };

const REGISTER: Statement = {
  name: 'lease-register',
  text: `INSERT INTO relays (expires_at) VALUES (now() + $1 * interval '1 millisecond')
    RETURNING id, (SELECT count(*) + 1 FROM relays WHERE expires_at > now()) AS sharers`,
};
const RENEW: Statement = {
  name: 'lease-renew',
  text: `UPDATE relays SET expires_at = now() + $2 * interval '1 millisecond' WHERE id = $1
    RETURNING id, (SELECT count(*) FROM relays WHERE expires_at > now()) AS sharers`,
};
const BURY: Statement = {
  name: 'lease-bury',
  text: `DELETE FROM relays WHERE id IN
    (SELECT id FROM relays WHERE expires_at < now() FOR UPDATE SKIP LOCKED) RETURNING id`,
};
/**
 * Its own statement, after the rows of the dead are gone: whoever claims holds a lock on its row meanwhile, so that
 * by now every claim of theirs can be seen.
 */
const FREE: Statement = {
  name: 'lease-free',
  text: `UPDATE recipients r SET claimed_by = NULL WHERE claimed_by IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM relays WHERE relays.id = r.claimed_by) RETURNING 1 AS freed`,
};
const UNCLAIM: Statement = {
  name: 'unclaim',
  text: 'UPDATE recipients SET claimed_by = NULL WHERE id = ANY($1::bigint[]) AND claimed_by = ANY($2::bigint[])',
};
const LEAVE: Statement = {
  name: 'leave',
  text: 'UPDATE recipients SET claimed_by = NULL WHERE claimed_by = ANY($1::bigint[])',
};
const SIGN_OFF: Statement = { name: 'lease-end', text: 'DELETE FROM relays WHERE id = ANY($1::bigint[])' };

export class Lease {
  readonly #options: LeaseOptions;
  readonly #own: number[] = [];
  readonly #claimed = new Set<number>();
  #givenBack = new Set<number>();
  readonly #doubtful = new Map<string, Prepared>();
  #id: number | undefined;
  #validUntil = -Infinity;
  #sharers = 1;
  /** Since when the database has answered us without a gap. */
  #answersSince = Infinity;
  #isRenewing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#tick(), options.leaseMs / 3);
    this.#timer.unref();
  }

  /** Our id; throws while there is no usable database. */
  held(): Promise<number> {
    if (this.#id === undefined) {
      return Promise.reject(new RelayError('R_STORE_WRITE', { cause: 'the database is not there yet' }));
    }
    return Promise.resolve(this.#id);
  }

  /** Every id that this process has had. */
  get own(): readonly number[] {
    return this.#own;
  }

  /** Processes with a lease on this database, as of the last renewal. */
  get sharers(): number {
    return this.#sharers;
  }

  /** Whether delivery of these may begin: claimed by us, and nobody can have taken them for abandoned. */
  holds(recipientIds: readonly number[]): boolean {
    return performance.now() < this.#validUntil && recipientIds.every((id) => this.#claimed.has(id));
  }

  track(claimed: readonly ClaimedRecipient[] = []): readonly ClaimedRecipient[] {
    for (const { id } of claimed) this.#claimed.add(id);
    return claimed;
  }

  untrack(recipientIds: readonly number[]): void {
    for (const id of recipientIds) this.#claimed.delete(id);
  }

  /** A claim that could not be given back now is given back as soon as the database answers. */
  async giveBack(recipientIds: readonly number[]): Promise<void> {
    this.untrack(recipientIds);
    for (const id of recipientIds) this.#givenBack.add(id);
    await this.#flushGivenBack().catch(() => undefined);
  }

  /** These may have been stored although their senders are told 451. */
  doubt(prepared: readonly Prepared[]): void {
    for (const entry of prepared) this.#doubtful.set(entry.message.queueId, entry);
  }

  /** Tells the other processes; that it is lost makes them a little later, no more. */
  announce(what: string): void {
    this.#options.connections.query(NOTICE, [`${this.#id ?? 0} ${what}`]).catch(() => undefined);
  }

  /** Makes the database ours to use: schema, lease, and what was left open when it was lost. */
  async prepare(): Promise<void> {
    const { connections } = this.#options;
    if (this.#id === undefined) await migrate(connections, this.#options.migrations);
    await this.#renew();
    await this.#flushGivenBack();
    await this.#withdrawDoubtful();
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#id === undefined) return;
    const { connections } = this.#options;
    await this.#withdrawDoubtful();
    await connections.query(LEAVE, [this.#own]);
    await connections.query(SIGN_OFF, [this.#own]);
    await connections.query(NOTICE, [`${this.#id} due`]);
  }

  async #tick(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      await this.prepare();
      await this.#bury();
    } catch (error) {
      this.#answersSince = Infinity;
      this.#options.onFault(error);
    } finally {
      this.#isRenewing = false;
    }
  }

  async #renew(): Promise<void> {
    const { connections, leaseMs } = this.#options;
    const sentAt = performance.now();
    const [renewed] = this.#id === undefined ? [] : await connections.query(RENEW, [this.#id, leaseMs]);
    if (renewed) {
      this.#sharers = Math.max(1, Number(renewed.sharers));
    } else {
      // Ours was taken for abandoned: so is everything that we claimed under it.
      this.#claimed.clear();
      const [row] = await connections.query(REGISTER, [leaseMs]);
      this.#id = Number(row?.id);
      this.#own.push(this.#id);
      this.#sharers = Number(row?.sharers);
    }
    this.#validUntil = sentAt + leaseMs;
    this.#answersSince = Math.min(this.#answersSince, sentAt);
  }

  /** Not before others had their time to renew, else the first one to see the database again robs all others. */
  async #bury(): Promise<void> {
    const { connections, leaseMs, onFreed } = this.#options;
    if (performance.now() - this.#answersSince < leaseMs) return;
    await connections.query(BURY);
    if ((await connections.query(FREE)).length > 0) {
      onFreed();
      this.announce('due');
    }
  }

  async #flushGivenBack(): Promise<void> {
    if (this.#givenBack.size === 0) return;
    const ids = this.#givenBack;
    this.#givenBack = new Set();
    try {
      await this.#options.connections.query(UNCLAIM, [[...ids], this.#own]);
    } catch (error) {
      for (const id of ids) this.#givenBack.add(id);
      throw error;
    }
  }

  async #withdrawDoubtful(): Promise<void> {
    if (this.#doubtful.size === 0) return;
    const doubtful = [...this.#doubtful.values()];
    await withdraw(this.#options.connections, this.#own, doubtful);
    for (const { message } of doubtful) this.#doubtful.delete(message.queueId);
  }
}
