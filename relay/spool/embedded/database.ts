/** The one file that owns node:sqlite: opening, locking, prepared statements. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { RelayError } from '../../errors.ts';
import { type Salvaged, salvage } from './salvage.ts';
import type { Migration } from '../migrations.ts';
import type { Row } from '../rows.ts';
import { migrate } from './schema.ts';

const FILE = 'spool.db';

export class Database {
  #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; id: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), id: Number(lastInsertRowid) };
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Goes on with another file; statements are prepared anew. */
  replace(database: DatabaseSync): void {
    this.#database = database;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

export interface Opened {
  readonly database: Database;
  /** What was found damaged and put aside. */
  readonly quarantined: Quarantined | null;
}

/** A damaged database: where it is kept for a look by hand, and what could be taken over from it. */
export interface Quarantined extends Salvaged {
  readonly file: string;
}

/** Opens the store of this folder for this process alone; a damaged file is put aside, not deleted. */
export function openDatabase(directory: string, migrations?: readonly Migration[]): Opened {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    mkdirSync(join(directory, 'bodies'), { recursive: true, mode: 0o700 });
    return { database: new Database(openFile(directory, migrations)), quarantined: null };
  } catch (cause) {
    if (cause instanceof RelayError) throw cause;
    if (isDamage(cause)) {
      const { fresh, quarantined } = startAnew(directory);
      return { database: new Database(fresh), quarantined };
    }
    throw new RelayError(isLocked(cause) ? 'R_STORE_LOCKED' : 'R_STORE_UNUSABLE', { directory }, cause);
  }
}

/** Damage that is met while the store is in use: `database` goes on with a new file. */
export function replaceDamaged(directory: string, database: Database): Quarantined {
  database.close();
  const { fresh, quarantined } = startAnew(directory);
  database.replace(fresh);
  return quarantined;
}

function startAnew(directory: string): { fresh: DatabaseSync; quarantined: Quarantined } {
  const file = quarantine(directory);
  const fresh = openFile(directory);
  return { fresh, quarantined: { file, ...salvageFrom(file, fresh) } };
}

function quarantine(directory: string): string {
  const aside = join(directory, `${FILE}.damaged-${Date.now()}`);
  for (const suffix of ['', '-wal']) {
    try {
      renameSync(join(directory, FILE + suffix), aside + suffix);
    } catch {
      // A write-ahead log need not exist.
    }
  }
  return aside;
}

function salvageFrom(file: string, fresh: DatabaseSync): Salvaged {
  let damaged: DatabaseSync | undefined;
  try {
    damaged = new DatabaseSync(file, { timeout: 0 });
    damaged.exec('PRAGMA locking_mode = EXCLUSIVE');
    return salvage(damaged, fresh);
  } catch {
    return { recipients: 0, failures: 1 };
  } finally {
    damaged?.close();
  }
}

function openFile(directory: string, migrations?: readonly Migration[]): DatabaseSync {
  const raw = new DatabaseSync(join(directory, FILE), { timeout: 0 });
  try {
    const database = new Database(raw);
    // Exclusive: a second process is refused, and WAL needs no shared memory file.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    // A message is in one page, mostly; each page costs a checksum and two system calls in the log, and two at its checkpoint.
    database.exec('PRAGMA page_size = 16384');
    database.exec('PRAGMA journal_mode = WAL');
    // FULL: the log is synced before COMMIT returns. That is what a 250 rests on.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA wal_autocheckpoint = 1000');
    database.exec('PRAGMA cache_size = -16000');
    database.exec('PRAGMA temp_store = MEMORY');
    // The lock is taken by the first write, which must happen before anybody is told that we are ready.
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    const plan = migrate(raw, migrations);
    if (plan.kind === 'refuse') {
      throw new RelayError('R_STORE_NEWER', { directory, found: plan.found, known: plan.known });
    }
    return raw;
  } catch (error) {
    raw.close();
    throw error;
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function isLocked(error: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_LOCKED].includes(sqliteCode(error));
}

export function isDamage(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCode(error));
}

function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : -1;
}
