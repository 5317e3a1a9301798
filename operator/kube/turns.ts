/**
 * So many at a time; the others wait in the order in which they came.
 *
 * Requests wait here and not in the HTTP library: what waits in its queues is sent whatever has happened meanwhile,
 * also by a process that was paused there until another one had taken its lease.
 */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Resolves when it is the caller's turn; call what it gives when that is over. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
