import { attribute, isObject, type Value, type ValueObject } from '../core/index.ts';
import type { Json } from '../kube/index.ts';
import { isEmptyJson } from './from-object.ts';
import type { FieldAttributes, KindSchema } from './kind-schema.ts';

/**
 * Empty objects that were declared and are no more. Old API servers list no owner of an empty object, so apply
 * leaves it behind: `delivery: {direct: {}}` beside the new smarthost. The answer is a merge patch that removes
 * them, undefined when there are none.
 */
export function leftovers(
  schema: KindSchema,
  prior: ValueObject,
  planned: ValueObject,
  live: Json,
): object | undefined {
  const spec = remains(schema.spec, prior, planned, live);
  return spec && { spec };
}

function remains(fields: FieldAttributes, prior: Value, planned: Value, live: Json): object | undefined {
  const found = Object.entries(fields).flatMap(([name, { field, type }]): [string, object | null][] => {
    const path = field[0] ?? '';
    const before = attribute(prior, name);
    const after = attribute(planned, name);
    const there = live[path];
    if (before === null || there === undefined || there === null) return [];
    if (after === null) return isEmptyJson(there) ? [[path, null]] : [];
    if (!isObject(before) || typeof type !== 'object' || !('nesting' in type)) return [];
    const inner = remains(type.attributes, before, after, there as Json);
    return inner ? [[path, inner]] : [];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
