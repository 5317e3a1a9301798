/** Counts steps, and strikes at the one that it is armed for. */
import type { Moment } from './protocol.ts';

export class Steps {
  readonly #strike: () => void;
  #left = Infinity;
  #moment: Moment = 'before';

  constructor(strike: () => void) {
    this.#strike = strike;
  }

  arm(n: number, moment: Moment): void {
    this.#left = n;
    this.#moment = moment;
  }

  disarm(): void {
    this.#left = Infinity;
  }

  /** A step as it comes by: it may go on to the pod (`before`), and its answer back (`after`), where they say so. */
  begin(): { before: () => boolean; after: () => boolean } {
    this.#left--;
    const isIt = this.#left === 0;
    const passes = (moment: Moment): boolean => {
      if (!isIt || moment !== this.#moment) return true;
      this.#strike();
      return false;
    };
    return { before: () => passes('before'), after: () => passes('after') };
  }
}
