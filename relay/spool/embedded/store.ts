/** The store inside its worker: synchronous operations, many in one transaction. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decideCharge } from '../../policy/index.ts';
import { acceptMessage } from './accepting.ts';
import { Claims } from './claims.ts';
import { Counters } from './counters.ts';
import { type Database, isDamage, openDatabase, type Quarantined, replaceDamaged } from './database.ts';
import { claimDue, nextDue, readBody, recordOutcome } from './delivering.ts';
import { heldGroups, releaseHeld, setSuspended } from './holding.ts';
import type { Operation, Reply } from './protocol.ts';
import * as outbox from './outbox.ts';
import * as reporting from './reporting.ts';
import { findRecipient, recordLateBounce } from './returning.ts';
import { suppress, suppressions, unsuppress } from './suppressing.ts';

/** What the operations work on. */
export interface StoreContext {
  readonly database: Database;
  readonly counters: Counters;
  readonly claims: Claims;
  /** Deletes a body file once the transaction that closed its message is durable. */
  discardBody(name: string): void;
}

export class EmbeddedStore implements StoreContext {
  readonly database: Database;
  readonly counters: Counters;
  readonly claims = new Claims();
  readonly #directory: string;
  readonly #discarded: string[] = [];
  readonly #onQuarantined: (found: Quarantined) => void;

  /** `onQuarantined` hears of damage, now or later; the store goes on with what could be read. */
  constructor(directory: string, onQuarantined: (found: Quarantined) => void) {
    const { database, quarantined } = openDatabase(directory);
    this.#directory = directory;
    this.#onQuarantined = onQuarantined;
    this.database = database;
    this.counters = new Counters(database);
    if (quarantined) this.#takeOver(quarantined);
    try {
      this.#removeOrphans((name) => this.#deleteBody(name));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#recover();
    }
  }

  discardBody(name: string): void {
    this.#discarded.push(name);
  }

  close(): void {
    this.database.close();
  }

  /** One transaction for all; if it fails, one for each, so that one bad operation spoils no other. */
  run(operations: readonly Operation[]): Reply[] {
    try {
      return this.#transact(operations);
    } catch (error) {
      if (isDamage(error)) {
        this.#recover();
        return this.run(operations);
      }
      if (operations.length === 1)
        return [{ ok: false, cause: String(error instanceof Error ? error.message : error) }];
      return operations.flatMap((operation) => this.run([operation]));
    }
  }

  #transact(operations: readonly Operation[]): Reply[] {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const replies = operations.map((operation): Reply => ({ ok: true, value: execute(this, operation) }));
      this.counters.flush();
      this.database.exec('COMMIT');
      this.claims.commit();
      for (const name of this.#discarded.splice(0)) this.#deleteBody(name);
      return replies;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  #rollback(): void {
    this.counters.reset();
    this.claims.rollback();
    this.#discarded.length = 0;
    try {
      this.database.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself on a full disk or an I/O error.
    }
  }

  /** Keys stay the same, so that what is being delivered finds its rows again. */
  #recover(): void {
    this.counters.reset();
    this.claims.rollback();
    this.#takeOver(replaceDamaged(this.#directory, this.database));
  }

  /** Bodies whose messages are lost are kept beside the damaged database: somebody may want to read them. */
  #takeOver(quarantined: Quarantined): void {
    const aside = `${quarantined.file}-bodies`;
    this.#removeOrphans((name) => {
      mkdirSync(aside, { recursive: true, mode: 0o700 });
      renameSync(join(this.#directory, 'bodies', name), join(aside, name));
    });
    this.#onQuarantined(quarantined);
  }

  #deleteBody(name: string): void {
    rmSync(join(this.#directory, 'bodies', name), { force: true });
  }

  /** A body whose message was never committed was never acknowledged. */
  #removeOrphans(remove: (name: string) => void): void {
    for (const name of readdirSync(join(this.#directory, 'bodies'))) {
      if (!this.database.get('SELECT 1 FROM messages WHERE body_file = ?', name)) remove(name);
    }
  }
}

function execute(store: EmbeddedStore, operation: Operation): unknown {
  switch (operation.method) {
    case 'accept':
      return acceptMessage(store, ...operation.args);
    case 'decide':
      return decideCharge(...operation.args, store.counters);
    case 'readBody':
      return readBody(store, ...operation.args);
    case 'claim':
      return claimDue(store, ...operation.args);
    case 'unclaim':
      return operation.args[0].forEach((id) => store.claims.remove(id));
    case 'record':
      return recordOutcome(store, ...operation.args);
    case 'nextDue':
      return nextDue(store);
    case 'findRecipient':
      return findRecipient(store, ...operation.args);
    case 'recordLateBounce':
      return recordLateBounce(store, ...operation.args);
    case 'suppress':
      return suppress(store, ...operation.args);
    case 'unsuppress':
      return unsuppress(store, ...operation.args);
    case 'suppressions':
      return suppressions(store, ...operation.args);
    case 'heldGroups':
      return heldGroups(store);
    case 'release':
      return releaseHeld(store, ...operation.args);
    case 'setSuspended':
      return setSuspended(store, ...operation.args);
    case 'counts':
      return reporting.counts(store, ...operation.args);
    case 'recordLogins':
      return reporting.recordLogins(store, ...operation.args);
    case 'lastLogins':
      return reporting.lastLogins(store);
    case 'reports':
      return reporting.reports(store, ...operation.args);
    case 'stats':
      return reporting.queueStats(store);
    case 'retry':
      return reporting.retryMessage(store, ...operation.args);
    case 'retryAll':
      return reporting.retryAll(store, ...operation.args);
    case 'cancel':
      return reporting.cancelMessage(store, ...operation.args);
    case 'sweep':
      return reporting.sweep(store, ...operation.args);
    case 'addEvents':
      return outbox.addEvents(store, ...operation.args);
    case 'claimEvents':
      return outbox.claimEvents(store, ...operation.args);
    case 'settleEvent':
      return outbox.settleEvent(store, ...operation.args);
    case 'eventStats':
      return outbox.eventStats(store);
    case 'probe':
      return void store.database.run(
        'INSERT OR REPLACE INTO probes (id, at) VALUES (1, ?)',
        ...operation.args,
      );
  }
}
