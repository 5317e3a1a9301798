/** The demo's voice: each step with what it did and how long it took. */

/** One step that has ended. */
export interface StepRecord {
  title: string;
  seconds: number;
  /** Set-up is what a machine pays once: it is not counted in the demo's time. */
  isSetup: boolean;
}

export class Steps {
  readonly records: StepRecord[] = [];
  /** Figures that the demo promises, by name. */
  readonly figures: { name: string; seconds: number; limit: number }[] = [];
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Run one step; `note` prints a line of what it did. */
  async run<T>(
    title: string,
    work: (note: (line: string) => void) => Promise<T>,
    isSetup = false,
  ): Promise<T> {
    const number = String(this.records.length + 1).padStart(2);
    this.#print(`${number}. ${title}`);
    const startedAt = performance.now();
    try {
      const result = await work((line) => this.#print(`      ${line}`));
      const seconds = (performance.now() - startedAt) / 1000;
      this.records.push({ title, seconds, isSetup });
      this.#print(`    done in ${seconds.toFixed(2)} s`);
      return result;
    } catch (error) {
      this.#print(`    FAILED after ${((performance.now() - startedAt) / 1000).toFixed(2)} s`);
      throw error;
    }
  }

  /** State a measured time against what is promised; a slower one fails the demo at its end. */
  figure(name: string, milliseconds: number, limitSeconds: number): string {
    const seconds = milliseconds / 1000;
    this.figures.push({ name, seconds, limit: limitSeconds });
    return `${name}: ${seconds.toFixed(3)} s (promised: under ${limitSeconds} s)`;
  }

  /** Seconds of all steps that are not set-up. */
  get demoSeconds(): number {
    return this.records.filter((record) => !record.isSetup).reduce((sum, record) => sum + record.seconds, 0);
  }

  /** Figures that were slower than promised. */
  get broken(): string[] {
    return this.figures
      .filter((figure) => figure.seconds >= figure.limit)
      .map(
        (figure) => `${figure.name} took ${figure.seconds.toFixed(3)} s, promised under ${figure.limit} s`,
      );
  }
}
