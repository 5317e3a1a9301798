import {
  Decimal,
  isList,
  isObject,
  isUnknown,
  numberText,
  type Value,
  type ValueObject,
} from '../core/index.ts';
import type { FieldAttribute, FieldAttributes, KindSchema, NestedFields } from './kind-schema.ts';

/** The object to apply: exactly the fields that the configuration states, and nothing of the cluster's own. */
export function toObject(schema: KindSchema, value: ValueObject): object {
  const { apiVersion, kind } = schema;
  const { name, namespace, labels = null, annotations = null } = value;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(labels !== null && { labels: json(labels) }),
      ...(annotations !== null && { annotations: json(annotations) }),
    },
    spec: members(schema.spec, value),
  };
}

function members(fields: FieldAttributes, value: ValueObject): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, attribute] of Object.entries(fields)) {
    const item = value[name] ?? null;
    const [field] = attribute.field;
    if (item !== null && field !== undefined) result[field] = toJson(attribute, item);
  }
  return result;
}

function toJson(attribute: FieldAttribute, value: Value): unknown {
  if (attribute.encoding === 'json') return JSON.parse(String(json(value))) as unknown;
  const { type } = attribute;
  if (typeof type === 'string' || !('nesting' in type)) return json(value);
  return nestedToJson(type, value);
}

function nestedToJson(type: NestedFields, value: Value): unknown {
  if (isList(value)) return value.map((item) => (isObject(item) ? members(type.attributes, item) : null));
  return isObject(value) ? members(type.attributes, value) : null;
}

function json(value: Value): unknown {
  if (isUnknown(value)) throw new TypeError('an unknown value reached apply');
  if (isList(value)) return value.map(json);
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]));
  return typeof value === 'bigint' || value instanceof Decimal ? Number(numberText(value)) : value;
}
