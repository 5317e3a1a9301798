/** Writing of status: only what differs, and nothing when nothing does. */
import { isKubeError, type AnyObject, type KubeClient, type Resource } from '../kube/index.ts';
import { mergePatch } from './equal.ts';
import { keyOf } from './keys.ts';
import type { Informer } from './informer.ts';

/** Overtaken: gone, or changed; its own event brings it back. */
export type StatusOutcome = 'written' | 'unchanged' | 'overtaken';

/**
 * Make an object's status equal `status`. The difference is taken against the newest copy that we know, and the patch
 * holds for that version only: a process that another has followed changes nothing of what that one says, and an
 * object of the same name that was created meanwhile is left alone.
 */
export async function writeStatus<T extends AnyObject & { status?: unknown }>(
  client: KubeClient,
  informer: Informer<T>,
  object: T,
  status: unknown,
): Promise<StatusOutcome> {
  const known = informer.get(keyOf(object));
  if (known === undefined || known.metadata.uid !== object.metadata.uid) return 'overtaken';
  const patch = mergePatch(known.status ?? {}, status);
  if (patch === undefined) return 'unchanged';
  try {
    informer.accept(await patchStatus(client, informer.resource, known, patch));
    return 'written';
  } catch (error) {
    if (isKubeError(error, 'NotFound', 'Conflict')) return 'overtaken';
    throw error;
  }
}

function patchStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: unknown,
): Promise<T> {
  const { uid, resourceVersion } = object.metadata;
  const body = { metadata: { uid, resourceVersion }, status };
  return client.merge(resource, object.metadata, body, { subresource: 'status' });
}
