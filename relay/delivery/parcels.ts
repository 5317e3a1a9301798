/** A message cut by destination, and what becomes of the part that a hanging destination keeps waiting. */
import { describeCause } from '../errors.ts';
import type { ClaimedMessage } from '../spool/index.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import type { Parcel } from './ready.ts';
import type { Router } from './route.ts';

const BUSY_DELAY_MS = 60_000;

/** With a smarthost there is one destination for all. */
export function parcelsOf(message: ClaimedMessage, router: Router | undefined): Parcel[] {
  if (!router || router.smarthost) return [{ message, destination: '' }];
  const parts = Map.groupBy(message.recipients, ({ address }) => router.groupKey(address));
  return [...parts].map(([destination, recipients]) => ({
    message: { ...message, recipients },
    destination,
  }));
}

/** Puts it back without an attempt; answers when it is due again. */
export async function postpone(
  { message, destination }: Parcel,
  { spool, log }: Pick<DispatcherOptions, 'spool' | 'log'>,
): Promise<number> {
  const at = Date.now();
  const nextAttemptAt = Math.round(at + BUSY_DELAY_MS * (1 + Math.random()));
  const recipients = message.recipients.map(({ id }) => ({
    id,
    status: 'deferred' as const,
    response: `450 4.4.1 ${destination} does not answer; its mail waits`,
    remoteHost: null,
    attempted: false,
    nextAttemptAt,
  }));
  try {
    await spool.record({ at, recipients });
    return nextAttemptAt;
  } catch (error) {
    log.error({ queueId: message.queueId, cause: describeCause(error) }, 'outcome not recorded');
    await spool.unclaim(recipients.map(({ id }) => id)).catch(() => undefined);
    return at + 1_000;
  }
}
