/**
 * Objects as they are kept: without what nobody reads, and with each text that many of them have in common stored once.
 * Of ten thousand accounts, nearly all say the same in their conditions: kept apart, that is half of what they take.
 */
import type { AnyObject } from '../kube/index.ts';

/** Texts that were met; forgotten all at once when there are too many, which costs nothing but space. */
const texts = new Map<string, string>();
const MOST_TEXTS = 10_000;

/** The same text, the very one that was met before. */
export function shared(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= MOST_TEXTS) texts.clear();
  texts.set(text, text);
  return text;
}

interface Told {
  status?: { conditions?: Record<string, unknown>[] };
}

/** Changes the object in place. */
export function compact(object: AnyObject): void {
  object.metadata = leanMetadata(object.metadata);
  shareIn(object, ['apiVersion', 'kind']);
  shareIn(object.metadata, ['namespace', 'creationTimestamp']);
  for (const condition of (object as Told).status?.conditions ?? []) {
    shareIn(condition, ['type', 'reason', 'message', 'lastTransitionTime']);
  }
}

/** A new object: one that something was deleted from takes several times as much. */
function leanMetadata(metadata: AnyObject['metadata'] & { managedFields?: unknown }): AnyObject['metadata'] {
  const { managedFields: _, ...lean } = metadata;
  const { [APPLIED]: applied, ...annotations } = lean.annotations ?? {};
  return applied === undefined ? lean : { ...lean, annotations };
}

/** What kubectl applied, a copy of the whole object. */
const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Texts under these names, where there are any. */
export function shareIn(object: object, names: readonly string[]): void {
  const fields = object as Record<string, unknown>;
  for (const name of names) {
    const value = fields[name];
    if (typeof value === 'string') fields[name] = shared(value);
  }
}
