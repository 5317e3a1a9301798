/** Where a domain stands in the relays' shards, and putting it there. */
import type { relayApi } from '../../api/index.ts';
import type { OperatorContext } from '../../context.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { isEqual, type Key } from '../../runtime/index.ts';
import type { Serving } from './snapshot.ts';

/** The relay is not open: nothing is known of its shards. */
export const CLOSED = 'closed';
/** For pods to take a change; they answer within milliseconds, or are looked at again later. */
const APPLY_MS = 3000;

export interface Place {
  /** Undefined while the relay is not open. */
  handle: RelayHandle | undefined;
  /** It has the domain. */
  isServed: boolean;
  serving: () => Promise<Serving>;
}

/** `relayKey` undefined: no relay is chosen; whatever relay has the domain counts as elsewhere. */
export function placeOf(context: OperatorContext, key: Key, relayKey: Key | undefined): Place {
  const handle = relayKey === undefined ? undefined : context.relays.get(relayKey);
  const isElsewhere = [...context.relays.values()].some(
    (other) => other !== handle && other.shards.get('domains', key) !== undefined,
  );
  return {
    handle,
    isServed: handle?.shards.get('domains', key) !== undefined,
    serving: async () => {
      if (handle === undefined) return { entry: undefined, pods: CLOSED, isElsewhere };
      const answer = await handle.whenApplied([handle.shards.placementOf('domains', key)], 0);
      return { entry: handle.shards.get('domains', key), pods: answer.kind, isElsewhere };
    },
  };
}

/** Put the domain on this relay and take it off all others; with undefined off all. Waits for the pods a little. */
export async function place(
  context: OperatorContext,
  key: Key,
  relayKey: Key | undefined,
  entry: relayApi.DomainConfig | undefined,
): Promise<void> {
  const handle = relayKey === undefined ? undefined : context.relays.get(relayKey);
  for (const other of context.relays.values()) {
    const isWanted = other === handle && entry !== undefined;
    if (isWanted || other.shards.get('domains', key) === undefined) continue;
    const before = other.shards.get('domains', key);
    await other.shards.put('domains', key, undefined, { isUrgent: true });
    context.relays.tellDomains(before?.workspaces ?? []);
  }
  if (handle === undefined || entry === undefined) return;
  const before = handle.shards.get('domains', key);
  const placement = await handle.shards.put('domains', key, entry);
  await handle.whenApplied([placement], APPLY_MS);
  if (!isEqual(before?.workspaces, entry.workspaces)) {
    context.relays.tellDomains([...new Set([...(before?.workspaces ?? []), ...entry.workspaces])]);
  }
}
