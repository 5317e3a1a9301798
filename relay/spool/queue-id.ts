/** Names of messages: they sort by time and are unique over processes. */
import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 5;
/** Drawn for many ids at once: each draw alone costs more than the rest of an id. */
const pool = Buffer.allocUnsafe(RANDOM_BYTES * 512);
let used = pool.length;

/** 45 bits of milliseconds and 40 random ones, in letters and digits. */
export function newQueueId(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.readUIntBE(used, RANDOM_BYTES);
  used += RANDOM_BYTES;
  return `${nowMs.toString(32).padStart(9, '0')}${random.toString(32).padStart(8, '0')}`.toUpperCase();
}
