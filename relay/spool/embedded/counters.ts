/** Usage counters and held counts, cached: this process is the only writer of its store. */
import type { ChargeScope, Counts } from '../../policy/index.ts';
import type { Database } from './database.ts';

/** Entries kept; forgetting one costs a read. */
const MAX_CACHED = 50_000;

interface Entry {
  readonly key: string;
  readonly kind: string;
  readonly startMs: number;
  used: number;
}

export class Counters implements Counts {
  readonly #database: Database;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<Entry>();
  readonly #held = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  used(key: string, kind: string, startMs: number): number {
    return this.#entry(key, kind, startMs).used;
  }

  held(key: string): number {
    const cached = this.#held.get(key);
    if (cached !== undefined) return cached;
    const column = key.startsWith('a:') ? 'm.account_id' : 'm.namespace';
    const row = this.#database.get(
      `SELECT COUNT(*) AS n FROM recipients r JOIN messages m ON m.id = r.message
       WHERE r.held_for IN ('window', 'month') AND ${column} = ?`,
      key.slice(2),
    );
    const held = Number(row?.n ?? 0);
    this.#held.set(key, held);
    return held;
  }

  charge(scopes: readonly ChargeScope[], count: number, windows: (kind: string) => boolean): void {
    for (const scope of scopes) {
      for (const { kind, startMs } of scope.windows) {
        if (!windows(kind)) continue;
        const entry = this.#entry(scope.key, kind, startMs);
        entry.used += count;
        this.#dirty.add(entry);
      }
    }
  }

  addHeld(keys: readonly string[], count: number): void {
    for (const key of keys) this.#held.set(key, this.held(key) + count);
  }

  forgetHeld(): void {
    this.#held.clear();
  }

  /** Before commit. */
  flush(): void {
    for (const { key, kind, startMs, used } of this.#dirty) {
      this.#database.run(
        `INSERT INTO counters (scope, kind, start_at, used) VALUES (?, ?, ?, ?)
         ON CONFLICT (scope, kind, start_at) DO UPDATE SET used = excluded.used`,
        key,
        kind,
        startMs,
        used,
      );
    }
    this.#dirty.clear();
    if (this.#entries.size > MAX_CACHED) this.#entries.clear();
    if (this.#held.size > MAX_CACHED) this.#held.clear();
  }

  /** After a rollback nothing in memory can be trusted. */
  reset(): void {
    this.#entries.clear();
    this.#dirty.clear();
    this.#held.clear();
  }

  #entry(key: string, kind: string, startMs: number): Entry {
    // The key last: it may hold anything.
    const id = `${startMs} ${kind} ${key}`;
    let entry = this.#entries.get(id);
    if (!entry) {
      const row = this.#database.get(
        'SELECT used FROM counters WHERE scope = ? AND kind = ? AND start_at = ?',
        key,
        kind,
        startMs,
      );
      entry = { key, kind, startMs, used: Number(row?.used ?? 0) };
      this.#entries.set(id, entry);
    }
    return entry;
  }
}
