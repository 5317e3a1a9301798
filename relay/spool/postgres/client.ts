/** The PostgreSQL store: any number of relay processes on one database. */
import { RelayError } from '../../errors.ts';
import { decideCharge } from '../../policy/index.ts';
import type { Body, BodyWriter, NewMessage, Outcome, Spool, SpoolListeners } from '../types.ts';
import type { Migration } from '../migrations.ts';
import { Accepting } from './accepting.ts';
import { openBody, readLargeBody } from './bodies.ts';
import { Connections, type Statement } from './connections.ts';
import { ScopeCounters } from './counters.ts';
import * as delivering from './delivering.ts';
import * as holding from './holding.ts';
import * as intervening from './intervening.ts';
import { Lane, toRelayError } from './lane.ts';
import { Lease } from './lease.ts';
import { Notices } from './notices.ts';
import * as outbox from './outbox.ts';
import { recordLateBounce, recordOutcomes } from './recording.ts';
import * as reporting from './reporting.ts';
import { MIGRATIONS } from './schema.ts';
import * as suppressing from './suppressing.ts';
import { sweep } from './sweeping.ts';

export interface PostgresOptions {
  /** File with the connection URI; re-read for new connections. */
  readonly uriFile: string;
  /** How long a process that is gone keeps what it had claimed. Default 15 s. */
  readonly leaseMs?: number;
  /** Default: this release's. */
  readonly migrations?: readonly Migration[];
}

export interface OpenedPostgres {
  readonly spool: Spool;
  /** Why the database cannot be used yet; the store takes it up by itself once it can. */
  readonly unavailable: unknown;
}

const LEASE_MS = 15_000;
const CLOSE_MS = 5_000;

const PROBE: Statement = {
  name: 'probe',
  text: 'INSERT INTO probes (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at',
};

/** Throws only where waiting does not help: a URI that cannot be read, a database of a later release. */
export async function openPostgresSpool(options: PostgresOptions): Promise<OpenedPostgres> {
  const spool = new PostgresSpool(options);
  try {
    await spool.prepare();
    return { spool, unavailable: null };
  } catch (error) {
    if (!(error instanceof RelayError) || error.kind === 'Temporary') {
      return { spool, unavailable: error };
    }
    await spool.close();
    throw error;
  }
}

class PostgresSpool implements Spool {
  readonly #connections: Connections;
  readonly #lease: Lease;
  readonly #notices: Notices;
  readonly #accepting: Accepting;
  readonly #records: Lane<Outcome, void>;
  readonly #bodies: Lane<string, Body | null>;
  #listeners: SpoolListeners | undefined;
  #closed: Promise<void> | undefined;

  constructor({ uriFile, leaseMs = LEASE_MS, migrations = MIGRATIONS }: PostgresOptions) {
    this.#connections = new Connections(uriFile);
    const connections = this.#connections;
    this.#lease = new Lease({
      connections,
      leaseMs,
      migrations,
      onFreed: () => this.#listeners?.changed(),
      onFault: (error) => this.#listeners?.failed(toRelayError(error)),
    });
    this.#notices = new Notices(connections, () => this.#listeners?.changed());
    this.#accepting = new Accepting(connections, this.#lease);
    this.#records = new Lane({
      apartMs: 10,
      sharers: () => this.#lease.sharers,
      run: (outcomes) => this.#recordAll(outcomes),
    });
    this.#bodies = new Lane({ apartMs: 1, run: (ids) => delivering.readBodies(connections, ids) });
  }

  /** Throws what keeps the database from being used. */
  async prepare(): Promise<void> {
    await this.#lease.prepare().catch((error: unknown) => {
      throw toRelayError(error);
    });
  }

  watch(listeners: SpoolListeners): void {
    this.#listeners = listeners;
    this.#notices.start();
  }

  accept: Spool['accept'] = (message: NewMessage, options) =>
    this.#open(() => this.#accepting.accept(message, options));

  decide: Spool['decide'] = (scopes, count) =>
    this.#open(async () => decideCharge(scopes, count, await ScopeCounters.look(this.#connections, scopes)));

  openBody(queueId: string): Promise<BodyWriter> {
    return this.#open(() => openBody(this.#connections, queueId));
  }

  readBody: Spool['readBody'] = (queueId) => this.#open(() => this.#bodies.call(queueId));
  readLarge: Spool['readLarge'] = (name, range) => readLargeBody(this.#connections, name, range);

  claim: Spool['claim'] = (now, limit) =>
    this.#open(async () => {
      const relay = await this.#lease.held();
      const messages = await delivering.claimDue(this.#connections, relay, { now, limit });
      for (const { recipients } of messages) this.#lease.track(recipients);
      return messages;
    });

  holds: Spool['holds'] = (recipientIds) => this.#lease.holds(recipientIds);
  unclaim: Spool['unclaim'] = (recipientIds) => this.#open(() => this.#lease.giveBack(recipientIds));
  record: Spool['record'] = (outcome) => this.#open(() => this.#records.call(outcome));
  nextDue: Spool['nextDue'] = () => this.#open(() => delivering.nextDue(this.#connections));

  findRecipient: Spool['findRecipient'] = (queueId, recipientId) =>
    this.#open(() => delivering.findRecipient(this.#connections, queueId, recipientId));
  recordLateBounce: Spool['recordLateBounce'] = (bounce) =>
    this.#open(() => recordLateBounce(this.#connections, bounce));

  suppress: Spool['suppress'] = (entries) =>
    this.#open(() => suppressing.suppress(this.#connections, entries));
  unsuppress: Spool['unsuppress'] = (namespace, recipient) =>
    this.#open(() => suppressing.unsuppress(this.#connections, namespace, recipient));
  suppressions: Spool['suppressions'] = (filter) =>
    this.#open(() => suppressing.suppressions(this.#connections, filter));

  heldGroups: Spool['heldGroups'] = () => this.#open(() => holding.heldGroups(this.#connections));
  release: Spool['release'] = (groups, now) =>
    this.#announced(() => holding.releaseHeld(this.#connections, groups, now));
  setSuspended: Spool['setSuspended'] = (accountIds, now) =>
    this.#announced(() => holding.setSuspended(this.#connections, accountIds, now));

  counts: Spool['counts'] = (queries) => this.#open(() => reporting.counts(this.#connections, queries));
  recordLogins: Spool['recordLogins'] = (uses) =>
    this.#open(() => reporting.recordLogins(this.#connections, uses));
  lastLogins: Spool['lastLogins'] = () => this.#open(() => reporting.lastLogins(this.#connections));
  reports: Spool['reports'] = (filter) => this.#open(() => reporting.reports(this.#connections, filter));
  stats: Spool['stats'] = () => this.#open(() => reporting.queueStats(this.#connections));
  retry: Spool['retry'] = (queueId, now) =>
    this.#announced(() => intervening.retryMessage(this.#connections, queueId, now));
  retryAll: Spool['retryAll'] = (now) => this.#announced(() => intervening.retryAll(this.#connections, now));
  cancel: Spool['cancel'] = (queueId, now) =>
    this.#open(() => intervening.cancelMessage(this.#connections, queueId, now));
  sweep: Spool['sweep'] = (before, now) => this.#open(() => sweep(this.#connections, before, now));

  addEvents: Spool['addEvents'] = (events) => this.#open(() => outbox.addEvents(this.#connections, events));
  claimEvents: Spool['claimEvents'] = (now, leaseUntil, limit) =>
    this.#open(() => outbox.claimEvents(this.#connections, { now, leaseUntil, limit }));
  settleEvent: Spool['settleEvent'] = (row, nextAttemptAt) =>
    this.#open(() => outbox.settleEvent(this.#connections, row, nextAttemptAt));
  eventStats: Spool['eventStats'] = () => this.#open(() => outbox.eventStats(this.#connections));

  probe: Spool['probe'] = (now) =>
    this.#open(async () => {
      await this.#lease.prepare();
      await this.#connections.query(PROBE, [await this.#lease.held(), now]);
    });

  async close(): Promise<void> {
    this.#closed ??= this.#end();
    await this.#closed;
  }

  async #end(): Promise<void> {
    this.#notices.stop();
    const orderly = async () => {
      await Promise.all([this.#accepting.drained(), this.#records.drained(), this.#bodies.drained()]);
      await this.#lease.end();
    };
    // A database that is gone must not keep the process: the lease ends by itself.
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([orderly().catch(() => undefined), timeout]);
    await Promise.race([this.#connections.close(), timeout]);
  }

  async #recordAll(outcomes: readonly Outcome[]): Promise<void[]> {
    await recordOutcomes(this.#connections, this.#lease.own, outcomes);
    for (const { recipients } of outcomes) this.#lease.untrack(recipients.map(({ id }) => id));
    return outcomes.map(() => undefined);
  }

  /** Other processes are told at once that something may have become due. */
  async #announced<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.#open(work);
    if (result !== 0 && result !== false) this.#lease.announce('due');
    return result;
  }

  async #open<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new RelayError('R_STORE_CLOSED');
    try {
      return await work();
    } catch (error) {
      throw toRelayError(error);
    }
  }
}
