/** What brings keys into a controller's queue: its own objects, and others that concern them. */
import type { AnyObject } from '../kube/index.ts';
import { isEqual } from './equal.ts';
import type { Change, Informer } from './informer.ts';
import { keyOf, type Key } from './keys.ts';

/** What brings keys into the queue. */
export interface Watch {
  /** Called once, before informers start. */
  connect: (add: (key: Key, isInitial: boolean) => void) => void;
}

/** Watch the controller's own objects; changes of status alone are not seen. */
export function watchOwn<T extends AnyObject>(informer: Informer<T>): Watch {
  return watchWith(informer, (change) => (isOnlyStatus(change) ? [] : [keyOf(change.object)]));
}

/** Watch other objects: `keysOf` names the keys that a change concerns. */
export function watchWith<T extends AnyObject>(
  informer: Informer<T>,
  keysOf: (change: Change<T>) => Iterable<Key>,
): Watch {
  return {
    connect: (add) =>
      informer.onChange((change) => {
        for (const key of keysOf(change)) add(key, change.isInitial);
      }),
  };
}

/** Neither spec nor what people set in metadata has changed. */
export function isOnlyStatus<T extends AnyObject>({ type, object, previous }: Change<T>): boolean {
  if (type !== 'Updated' || previous === undefined) return false;
  const now = object.metadata;
  const before = previous.metadata;
  return (
    now.generation === before.generation &&
    now.deletionTimestamp === before.deletionTimestamp &&
    isEqual(now.labels, before.labels) &&
    isEqual(now.annotations, before.annotations)
  );
}
