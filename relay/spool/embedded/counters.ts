/** Usage counters and held counts, cached: this process is the only writer of its store. */
import type { ChargeScope, Counts } from '../../policy/index.ts';
import type { Database } from './database.ts';

/** Entries kept; forgetting one costs a read. */
const MAX_CACHED = 50_000;

export class Counters implements Counts {
  readonly #database: Database;
  readonly #used = new Map<string, number>();
  readonly #dirty = new Set<string>();
  readonly #held = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  used(key: string, kind: string, startMs: number): number {
    const id = JSON.stringify([key, kind, startMs]);
    const cached = this.#used.get(id);
    if (cached !== undefined) return cached;
    const row = this.#database.get(
      'SELECT used FROM counters WHERE scope = ? AND kind = ? AND start_at = ?',
      key,
      kind,
      startMs,
    );
    const used = Number(row?.used ?? 0);
    this.#used.set(id, used);
    return used;
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
        const id = JSON.stringify([scope.key, kind, startMs]);
        this.#used.set(id, this.used(scope.key, kind, startMs) + count);
        this.#dirty.add(id);
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
    for (const id of this.#dirty) {
      const [key, kind, startMs] = JSON.parse(id) as [string, string, number];
      this.#database.run(
        `INSERT INTO counters (scope, kind, start_at, used) VALUES (?, ?, ?, ?)
         ON CONFLICT (scope, kind, start_at) DO UPDATE SET used = excluded.used`,
        key,
        kind,
        startMs,
        this.#used.get(id) ?? 0,
      );
    }
    this.#dirty.clear();
    if (this.#used.size > MAX_CACHED) this.#used.clear();
    if (this.#held.size > MAX_CACHED) this.#held.clear();
  }

  /** After a rollback nothing in memory can be trusted. */
  reset(): void {
    this.#used.clear();
    this.#dirty.clear();
    this.#held.clear();
  }
}
