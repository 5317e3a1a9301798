/**
 * The key that signs return paths. It stands in the settings in shard 0 alone: drawn when they are first written with
 * bounces, and kept from then on, so that mail on its way can still bounce after bounces were off for a while.
 */
import { randomBytes } from 'node:crypto';
import type { relayApi } from '../../api/index.ts';

const BYTES = 32;

/** What is to be written: the key that is there, or a new one where one is needed. */
export function withBounceKey(
  wanted: relayApi.RelaySettings,
  present: relayApi.RelaySettings | undefined,
): relayApi.RelaySettings {
  const kept = present?.bounces.key;
  const key = kept ?? (wanted.bounces.enabled ? randomBytes(BYTES).toString('base64') : undefined);
  return key === undefined ? wanted : { ...wanted, bounces: { ...wanted.bounces, key } };
}

/** As decisions see what was written: without the key, and as nothing where the key is missing that is needed. */
export function withoutBounceKey(
  present: relayApi.RelaySettings | undefined,
): relayApi.RelaySettings | undefined {
  if (present === undefined) return undefined;
  const { enabled, key } = present.bounces;
  if (enabled && key === undefined) return undefined;
  return { ...present, bounces: { enabled } };
}
