/** Hears what other processes did to the queue; a lost connection is made again, and then anything may have changed. */
import type { Connections } from './connections.ts';

const AGAIN_MS = 1_000;

export class Notices {
  readonly #connections: Connections;
  readonly #onChange: () => void;
  #unlisten: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(connections: Connections, onChange: () => void) {
    this.#connections = connections;
    this.#onChange = onChange;
  }

  start(): void {
    void this.#listen();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#unlisten?.();
  }

  async #listen(): Promise<void> {
    try {
      const unlisten = await this.#connections.listen(this.#onChange, () => this.#again());
      if (this.#stopped) {
        unlisten();
        return;
      }
      this.#unlisten = unlisten;
      this.#onChange();
    } catch {
      this.#again();
    }
  }

  #again(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#listen(), AGAIN_MS);
    this.#timer.unref();
  }
}
