/** How much is in work, in all and for each destination, so that none can take up everything. Pure. */

export interface LaneLimits {
  readonly total: number;
  readonly perDestination: number;
}

export class Lanes {
  readonly #active = new Map<string, number>();
  #total = 0;

  hasRoom(destination: string, { total, perDestination }: LaneLimits): boolean {
    return this.#total < total && (this.#active.get(destination) ?? 0) < perDestination;
  }

  enter(destination: string): void {
    this.#total++;
    this.#active.set(destination, (this.#active.get(destination) ?? 0) + 1);
  }

  leave(destination: string): void {
    this.#total--;
    const left = (this.#active.get(destination) ?? 1) - 1;
    if (left > 0) this.#active.set(destination, left);
    else this.#active.delete(destination);
  }
}
