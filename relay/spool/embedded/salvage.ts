/** Copies what can still be read of a damaged database into a new one, row by row, under the same keys. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export interface Salvaged {
  /** Recipients that were kept. */
  readonly recipients: number;
  /** Reads that failed: each stands for one row or more. */
  readonly failures: number;
}

/** Tables with a numeric key can be entered behind a damaged place; of the others the readable beginning is taken. */
const BY_KEY = [
  ['messages', 'id'],
  ['bodies', 'message'],
  ['recipients', 'id'],
  ['outbox', 'id'],
] as const;
const WHOLE = ['counters', 'logins', 'suppressions'] as const;
/** How far apart keys are looked for behind a damaged place at most. */
const MAX_STEP = 2 ** 20;
const MAX_KEY = 2 ** 45;

export function salvage(damaged: DatabaseSync, fresh: DatabaseSync): Salvaged {
  fresh.exec('BEGIN');
  let failures = 0;
  for (const [table, key] of BY_KEY) failures += copyByKey(damaged, fresh, { table, key });
  for (const table of WHOLE) failures += copyWhole(damaged, fresh, table);
  // What lost its other half: recipients without a message are nobody's, and a message waits for those it has left.
  fresh.exec(`
    DELETE FROM recipients WHERE message NOT IN (SELECT id FROM messages);
    DELETE FROM bodies WHERE message NOT IN (SELECT id FROM messages);
    UPDATE messages SET open = (SELECT COUNT(*) FROM recipients r
      WHERE r.message = messages.id AND r.status IN ('queued', 'held', 'deferred'))`);
  const kept = fresh.prepare('SELECT COUNT(*) AS n FROM recipients').get();
  fresh.exec('COMMIT');
  return { recipients: Number(kept?.n ?? 0), failures };
}

type Row = Record<string, SQLInputValue>;

function copyByKey(
  damaged: DatabaseSync,
  fresh: DatabaseSync,
  { table, key }: { table: string; key: string },
): number {
  const write = inserter(fresh, table);
  let [after, step, failures] = [0, 1, 0];
  for (;;) {
    try {
      const next = damaged.prepare(`SELECT * FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT 200`);
      const last = copyRows(next.iterate(after), write, (row) => (after = Number(row[key])));
      if (last === 0) return failures;
      step = 1;
    } catch {
      // The row behind `after` cannot be read, or what leads to it: look further and further on.
      failures++;
      after += step;
      step = Math.min(MAX_STEP, step * 2);
      if (after > MAX_KEY || failures > 20_000) return failures;
    }
  }
}

function copyWhole(damaged: DatabaseSync, fresh: DatabaseSync, table: string): number {
  try {
    copyRows(damaged.prepare(`SELECT * FROM ${table}`).iterate(), inserter(fresh, table), () => undefined);
    return 0;
  } catch {
    return 1;
  }
}

function copyRows(
  rows: Iterable<Record<string, unknown>>,
  write: (row: Row) => void,
  onRead: (row: Row) => void,
): number {
  let count = 0;
  for (const row of rows) {
    onRead(row as Row);
    write(row as Row);
    count++;
  }
  return count;
}

/** Columns by their names in the new schema; a row that breaks one of its rules was damaged too and is left out. */
function inserter(fresh: DatabaseSync, table: string): (row: Row) => void {
  let statement: StatementSync | undefined;
  return (row) => {
    const names = Object.keys(row);
    statement ??= fresh.prepare(
      `INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    try {
      statement.run(...names.map((name) => row[name] ?? null));
    } catch {
      // STRICT tables refuse a value of the wrong type.
    }
  };
}
