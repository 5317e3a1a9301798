/** Paths of the REST API. */
import type { Ref, Resource } from './types.ts';

export type Query = Record<string, string | number | undefined>;

/** Where objects of a type are listed and created; without namespace: in all of them. */
export function collectionPath(type: Resource, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${type.plural}`;
}

export function objectPath(type: Resource, ref: Ref, subresource?: string): string {
  if (type.namespaced && ref.namespace === undefined) {
    throw new TypeError(`${type.kind} ${ref.name} has no namespace`);
  }
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
