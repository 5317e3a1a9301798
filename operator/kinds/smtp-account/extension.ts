/**
 * An earlier password that is still used when it should end gets one more overlap, once, with a warning: somewhere an
 * app has not read its Secret again. Pure.
 */
import type { EventDraft } from '../../runtime/index.ts';
import { timestampOf } from '../../runtime/index.ts';
import type { PreviousPassword } from './published.ts';

const HOUR_MS = 3_600_000;
/** Used within this last part of the overlap counts as still used. */
const LAST_PART = 0.25;
const LONGEST_EXTENSION_MS = 24 * HOUR_MS;

export interface Extension {
  previous: PreviousPassword[];
  events: EventDraft[];
}

/** Whoever sets an overlap of less than an hour wants the old password gone on time. */
export function extend(
  previous: readonly PreviousPassword[],
  lastUsed: ReadonlyMap<string, string>,
  overlapMs: number,
  now: Date,
): Extension {
  const events: EventDraft[] = [];
  const next = previous.map((entry) => {
    const endsAt = Date.parse(entry.validUntil);
    const usedAt = Date.parse(lastUsed.get(entry.id) ?? '');
    const isEnding = endsAt <= now.getTime();
    const isUsed = usedAt >= endsAt - overlapMs * LAST_PART;
    const isMovable = entry.isExtended !== true && entry.waits !== true && overlapMs >= HOUR_MS;
    if (!isEnding || !isUsed || !isMovable) return entry;
    const validUntil = timestampOf(new Date(endsAt + Math.min(overlapMs, LONGEST_EXTENSION_MS)));
    events.push({
      type: 'Warning',
      reason: 'OldPasswordInUse',
      message: `the password of revision ${entry.revision} was used at ${lastUsed.get(entry.id)}: it ends at ${validUntil} instead of ${entry.validUntil}; restart the app that still has it`,
    });
    return { ...entry, validUntil, isExtended: true };
  });
  return { previous: next, events };
}
