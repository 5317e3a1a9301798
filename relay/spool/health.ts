/** Whether the store takes writes; after a failure it is tried until it does again. */
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Spool } from './types.ts';

const PROBE_MS = 1_000;

export class StoreHealth {
  readonly #spool: Spool;
  readonly #log: Log;
  #writable = true;
  #timer: NodeJS.Timeout | undefined;
  readonly #onRecovered: () => void;

  constructor(spool: Spool, log: Log, onRecovered: () => void) {
    this.#spool = spool;
    this.#log = log;
    this.#onRecovered = onRecovered;
  }

  get writable(): boolean {
    return this.#writable;
  }

  failed(error: unknown): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#log.error({ cause: describeCause(error) }, 'the store fails: mail is refused for now');
    this.#probeLater();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #probeLater(): void {
    this.#timer = setTimeout(() => {
      this.#spool.probe(Date.now()).then(
        () => {
          this.#writable = true;
          this.#log.info({}, 'the store works again');
          this.#onRecovered();
        },
        () => this.#probeLater(),
      );
    }, PROBE_MS);
    this.#timer.unref();
  }
}
