/**
 * In which revision of its shard an entry, or its absence, was written last by this process.
 *
 * Of entries there are as many as the relay has; absences would add up for as long as the process lives. Of those only
 * the latest are kept: what is forgotten counts as written with the latest that was forgotten in its shard, which is
 * later than it was and acknowledged long ago.
 */
const MOST_ABSENCES = 10_000;

export class WrittenRevisions {
  readonly #revisions = new Map<string, number>();
  /** Absences, the oldest first, and their shards. */
  readonly #absences = new Map<string, number>();
  readonly #floors = new Map<number, number>();
  readonly #mostAbsences: number;

  constructor(mostAbsences = MOST_ABSENCES) {
    this.#mostAbsences = mostAbsences;
  }

  note(id: string, written: { shard: number; revision: number; isAbsence: boolean }): void {
    this.#revisions.set(id, written.revision);
    this.#absences.delete(id);
    if (!written.isAbsence) return;
    this.#absences.set(id, written.shard);
    for (const [oldest, shard] of this.#absences) {
      if (this.#absences.size <= this.#mostAbsences) return;
      const revision = this.#revisions.get(oldest) ?? 0;
      this.#floors.set(shard, Math.max(this.#floors.get(shard) ?? 0, revision));
      this.#revisions.delete(oldest);
      this.#absences.delete(oldest);
    }
  }

  /** `readRevision`: in which the shard was read, for what was not written since. */
  of(id: string, shard: number, readRevision: number): number {
    return this.#revisions.get(id) ?? Math.max(readRevision, this.#floors.get(shard) ?? 0);
  }

  /** Entries and absences that are remembered one by one. */
  get size(): number {
    return this.#revisions.size;
  }
}
