/** Writing of status: only what differs, and nothing when nothing does. */
import { isKubeError, type AnyObject, type KubeClient, type Resource } from '../kube/index.ts';
import { mergePatch } from './equal.ts';
import { keyOf } from './keys.ts';
import type { Informer } from './informer.ts';

export type StatusOutcome = 'written' | 'unchanged' | 'gone';

/**
 * Make an object's status equal `status`. The difference is taken against the newest copy that we know; the operator
 * is its only writer. The uid in the patch keeps it from an object of the same name that was created meanwhile.
 */
export async function writeStatus<T extends AnyObject & { status?: unknown }>(
  client: KubeClient,
  informer: Informer<T>,
  object: T,
  status: unknown,
): Promise<StatusOutcome> {
  const known = informer.get(keyOf(object));
  if (known === undefined || known.metadata.uid !== object.metadata.uid) return 'gone';
  const patch = mergePatch(known.status ?? {}, status);
  if (patch === undefined) return 'unchanged';
  try {
    informer.accept(await patchStatus(client, informer.resource, object, patch));
    return 'written';
  } catch (error) {
    // Gone, or another object under the same name: its own key takes care of it.
    if (isKubeError(error, 'NotFound', 'Conflict')) return 'gone';
    throw error;
  }
}

function patchStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: unknown,
): Promise<T> {
  const body = { metadata: { uid: object.metadata.uid }, status };
  return client.merge(resource, object.metadata, body, { subresource: 'status' });
}
