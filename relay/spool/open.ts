/** The store that the configuration names. */
import type { relayApi } from '@migosmtp/operator/api';
import { type OpenedSpool, openEmbeddedSpool } from './embedded/open.ts';

export interface OpenedStore extends OpenedSpool {
  /** Why it takes nothing yet; it will by itself once it can. */
  readonly unavailable?: unknown;
}

export async function openSpool(storage: relayApi.RelayProcessConfig['storage']): Promise<OpenedStore> {
  if (storage.kind === 'embedded') return openEmbeddedSpool(storage.directory);
  // Loaded only where it is used: a start has no time for a database client that it does not need.
  const { openPostgresSpool } = await import('./postgres/client.ts');
  return openPostgresSpool({ uriFile: storage.uriFile });
}
