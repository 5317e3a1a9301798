/** Names of messages: they sort by time and are unique over processes. */
import { randomBytes } from 'node:crypto';

/** 45 bits of milliseconds and 40 random ones, in letters and digits. */
export function newQueueId(nowMs: number): string {
  const time = nowMs.toString(32).padStart(9, '0');
  return `${time}${randomBytes(5).readUIntBE(0, 5).toString(32).padStart(8, '0')}`.toUpperCase();
}
