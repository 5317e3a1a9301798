/** Which recipients this process is delivering. In memory: after a crash everything unfinished is due again. */

export class Claims {
  readonly #claimed = new Set<number>();
  /** Changes of the open transaction, newest last; undone by a rollback. */
  readonly #journal: { readonly id: number; readonly added: boolean }[] = [];

  get size(): number {
    return this.#claimed.size;
  }

  has(id: number): boolean {
    return this.#claimed.has(id);
  }

  add(id: number): void {
    if (this.#claimed.has(id)) return;
    this.#claimed.add(id);
    this.#journal.push({ id, added: true });
  }

  remove(id: number): void {
    if (this.#claimed.delete(id)) this.#journal.push({ id, added: false });
  }

  commit(): void {
    this.#journal.length = 0;
  }

  rollback(): void {
    for (const { id, added } of this.#journal.toReversed()) {
      if (added) this.#claimed.delete(id);
      else this.#claimed.add(id);
    }
    this.#journal.length = 0;
  }
}
