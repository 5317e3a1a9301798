/**
 * The last question before something is taken away: a list, or a cache that was filled from one, can be behind (a
 * replica of the API server, etcd restored from a backup), a read by name is not.
 */
import type { AnyObject, KubeClient, Resource } from '../kube/index.ts';
import { refOf, type Key } from './keys.ts';

/** Absent from the cache and still there. Tried again: the cache catches up, or the object goes. */
export class StaleCache extends Error {
  readonly kind = 'Temporary';
  constructor(resource: Resource, key: Key) {
    super(`${resource.kind} ${key} is in no list, but still there: nothing is taken from it`);
    this.name = 'StaleCache';
  }
}

/** Throws StaleCache when the server has the object; `uid`: another object of that name does not count. */
export async function confirmAbsence(
  client: KubeClient,
  resource: Resource,
  key: Key,
  uid?: string,
): Promise<void> {
  const found: AnyObject | undefined = await client.find(resource, refOf(key));
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) return;
  if (uid === undefined || found.metadata.uid === uid) throw new StaleCache(resource, key);
}
