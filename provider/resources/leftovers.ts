import { attribute, isObject, type Value, type ValueObject } from '../core/index.ts';
import type { Json } from '../kube/index.ts';
import { isEmptyJson } from './from-object.ts';
import type { FieldAttribute, FieldAttributes, KindSchema } from './kind-schema.ts';

/**
 * Two things that server-side apply of Kubernetes 1.20 does not do: it leaves an empty object behind, as it lists
 * no owner of it (`delivery: {direct: {}}` beside the new smarthost), and it refuses to empty one, as it puts
 * null there. Both are done by a merge patch over what was declared and is no more; undefined: nothing to do.
 */
export function leftovers(schema: KindSchema, { prior, planned, live }: Change): object | undefined {
  return specPatch(removals(schema.spec, prior, planned, live, isEmptyJson));
}

/** The same for all that was declared and is no more, whether it is empty or not. */
export function withdrawn(schema: KindSchema, { prior, planned, live }: Change): object | undefined {
  return specPatch(removals(schema.spec, prior, planned, live, () => true));
}

export interface Change {
  readonly prior: ValueObject;
  readonly planned: ValueObject;
  /** The spec that the API server has. */
  readonly live: Json;
}

type Patch = Record<string, unknown>;

function specPatch(spec: Patch): object | undefined {
  return Object.keys(spec).length === 0 ? undefined : { spec };
}

function removals(
  fields: FieldAttributes,
  prior: Value,
  planned: Value,
  live: Json,
  isRemovable: (live: unknown) => boolean,
): Patch {
  const patch: Patch = {};
  for (const [name, field] of Object.entries(fields)) {
    const [path = ''] = field.field;
    const there = live[path];
    const before = attribute(prior, name);
    if (before === null || there === undefined || there === null) continue;
    const after = attribute(planned, name);
    const inner = members(field, before, after, there as Json, isRemovable);
    if (inner === undefined) {
      if (after === null && isRemovable(there)) patch[path] = null;
    } else if (after === null && (isCovered(there as Json, inner) || isEmptyJson(there))) patch[path] = null;
    else if (Object.keys(inner).length > 0) patch[path] = inner;
  }
  return patch;
}

/** What goes within an object or a map; undefined for anything that goes as a whole. */
function members(
  { type, encoding }: FieldAttribute,
  before: Value,
  after: Value,
  live: Json,
  isRemovable: (live: unknown) => boolean,
): Patch | undefined {
  if (!isObject(before) || encoding === 'json' || typeof type === 'string') return undefined;
  if ('nesting' in type) return removals(type.attributes, before, after, live, isRemovable);
  const gone = Object.keys(before).filter(
    (key) => key in live && attribute(after, key) === null && isRemovable(live[key]),
  );
  return Object.fromEntries(gone.map((key) => [key, null]));
}

function isCovered(live: Json, patch: Patch): boolean {
  return Object.keys(live).every((key) => patch[key] === null);
}
