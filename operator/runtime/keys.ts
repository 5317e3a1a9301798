/** Queue keys: `namespace/name`, or `name` for cluster-scoped objects. */
import type { AnyObject, Ref } from '../kube/index.ts';

export type Key = string;

export function keyOf(object: Pick<AnyObject, 'metadata'>): Key {
  const { namespace, name } = object.metadata;
  return keyFor(namespace, name);
}

export function keyFor(namespace: string | undefined, name: string): Key {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function refOf(key: Key): Ref & { namespace: string } {
  const slash = key.indexOf('/');
  return slash === -1
    ? { namespace: '', name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Keys of the owners of a kind. */
export function ownerKeys(object: AnyObject, kind: string): Key[] {
  return (object.metadata.ownerReferences ?? [])
    .filter((owner) => owner.kind === kind)
    .map((owner) => keyFor(object.metadata.namespace, owner.name));
}
