/** How much is in work, in all and for each destination, so that none can take up everything. Pure. */

export interface LaneLimits {
  readonly total: number;
  readonly perDestination: number;
}

interface Lane {
  active: number;
  /** When something was last begun or done. */
  movedAt: number;
}

export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  #total = 0;

  hasRoom(destination: string, { total, perDestination }: LaneLimits): boolean {
    return this.#total < total && (this.#lanes.get(destination)?.active ?? 0) < perDestination;
  }

  /** It holds all that it may, and nothing has come of it for `ms`. */
  isStuck(
    destination: string,
    { perDestination }: LaneLimits,
    { nowMs, ms }: { nowMs: number; ms: number },
  ): boolean {
    const lane = this.#lanes.get(destination);
    return lane !== undefined && lane.active >= perDestination && nowMs - lane.movedAt >= ms;
  }

  enter(destination: string, nowMs: number): void {
    this.#total++;
    const active = (this.#lanes.get(destination)?.active ?? 0) + 1;
    this.#lanes.set(destination, { active, movedAt: nowMs });
  }

  leave(destination: string, nowMs: number): void {
    this.#total--;
    const active = (this.#lanes.get(destination)?.active ?? 1) - 1;
    if (active > 0) this.#lanes.set(destination, { active, movedAt: nowMs });
    else this.#lanes.delete(destination);
  }
}
