/** Notices that the wall clock was set: it runs apart from the monotonic one. Pure. */

/** Slewing by NTP stays far below within a tick. */
const JUMP_MS = 5_000;

export class ClockWatch {
  #offset: number | undefined;

  /** By how many milliseconds the wall clock has jumped since the last call; 0: it has not. */
  observe(wallMs: number, monotonicMs: number): number {
    const offset = wallMs - monotonicMs;
    const jump = offset - (this.#offset ?? offset);
    this.#offset = offset;
    return Math.abs(jump) >= JUMP_MS ? Math.round(jump) : 0;
  }
}
