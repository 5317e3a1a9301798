import {
  attribute as memberOf,
  isList,
  isObject,
  object,
  type Type,
  type Value,
  type ValueObject,
} from '../core/index.ts';
import { FIELD_MANAGER, type Json, type KubeObject } from '../kube/index.ts';
import {
  lastingStatus,
  type FieldAttribute,
  type FieldAttributes,
  type KindSchema,
  type NestedFields,
} from './kind-schema.ts';

/**
 * State from an object. Arguments show what the declaration owns: a field that it never stated belongs to others
 * and stays null, whatever it holds. An import owns what the object says, defaults of the API left out.
 */
export function fromObject(
  schema: KindSchema,
  found: KubeObject,
  prior: ValueObject | 'import',
): ValueObject {
  const { metadata, spec = {}, status = {} } = found;
  const owned = prior === 'import' ? ownedFields(found) : undefined;
  const result = object();
  if (prior !== 'import') Object.assign(result, prior);
  result['name'] = metadata.name;
  result['namespace'] = metadata.namespace ?? null;
  result['uid'] = metadata.uid ?? null;
  for (const name of ['labels', 'annotations'] as const) {
    const live = owned ? ownedEntries(metadata[name], owned, name) : metadata[name];
    result[name] = prior === 'import' ? imported(live) : sharedMap(live, prior[name] ?? null);
  }
  for (const [name, field] of Object.entries(schema.spec)) {
    const scope =
      prior === 'import' ? importOf(owned && under(owned, 'spec')) : { prior: prior[name] ?? null };
    result[name] = argument(field, spec, scope);
  }
  Object.assign(result, outputs(lastingStatus(schema), status));
  return result;
}

/** Everything that an object says, for a data source. */
export function readAll(schema: KindSchema, found: KubeObject): ValueObject {
  const result = object();
  const { metadata, spec = {}, status = {} } = found;
  result['name'] = metadata.name;
  result['namespace'] = metadata.namespace ?? null;
  result['uid'] = metadata.uid ?? null;
  result['labels'] = stringMap(metadata.labels ?? {});
  result['annotations'] = stringMap(metadata.annotations ?? {});
  Object.assign(result, outputs(schema.spec, spec), outputs(schema.status, status));
  return result;
}

/** What counts as declared: what the state had, or for an import what one manager owns, else all. */
type Scope = { readonly prior: Value } | { readonly import: Json | undefined };

function importOf(owned: Json | undefined): Scope {
  return { import: owned };
}

function argument(attribute: FieldAttribute, parent: Json, scope: Scope): Value {
  const name = attribute.field[0] ?? '';
  const live = parent[name];
  if ('prior' in scope) return scope.prior === null ? null : declared(attribute, live, scope.prior);
  const { import: owned } = scope;
  // Old API servers list no owner of an empty object, so emptiness counts as owned.
  if (owned && !(`f:${name}` in owned) && !isEmptyJson(live)) return null;
  if (live === undefined || live === null || (!owned && live === attribute.apiDefault)) return null;
  return importedField(attribute, live, owned && under(owned, name));
}

function importedField(attribute: FieldAttribute, live: unknown, owned: Json | undefined): Value {
  const { type } = attribute;
  if (attribute.encoding !== 'json' && isNestedFields(type) && type.nesting === 'single') {
    return record(type.attributes, (field) => argument(field, live as Json, importOf(owned)));
  }
  return output(attribute, live);
}

function declared(attribute: FieldAttribute, live: unknown, prior: Value): Value {
  const { type, encoding } = attribute;
  if (live === undefined || live === null) return isEmpty(prior) ? prior : null;
  if (encoding === 'json') return sameJson(prior, live) ? prior : sortedJson(live);
  if (isNestedFields(type) && type.nesting === 'single') {
    return record(type.attributes, (field, name) =>
      argument(field, live as Json, { prior: memberOf(prior, name) }),
    );
  }
  if (typeof type === 'object' && !isNestedFields(type) && type[0] === 'map') return sharedMap(live, prior);
  return output(attribute, live);
}

/** Entries of a map that others write to as well: only those that were declared are looked at. */
function sharedMap(live: unknown, prior: Value): Value {
  if (!isObject(prior)) return null;
  const entries = (live ?? {}) as Readonly<Record<string, string>>;
  const kept = Object.keys(prior).filter((key) => Object.hasOwn(entries, key));
  return object(kept.map((key) => [key, entries[key] ?? null]));
}

function imported(live: Readonly<Record<string, string>> | undefined): Value {
  const own = Object.entries(live ?? {}).filter(
    ([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration',
  );
  return own.length === 0 ? null : object(own);
}

function outputs(fields: FieldAttributes, source: Json): ValueObject {
  return record(fields, (field) => {
    const live = field.field.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], source);
    return output(field, live);
  });
}

function output(attribute: FieldAttribute, live: unknown): Value {
  if (live === undefined || live === null) return null;
  if (attribute.encoding === 'json') return sortedJson(live);
  const { type } = attribute;
  if (!isNestedFields(type)) return plain(type, live);
  if (attribute.encoding === 'members') {
    return Object.entries(live as Json).map(([purpose, item]) =>
      record(type.attributes, (field, name) =>
        name === 'purpose' ? purpose : output(field, (item as Json)[field.field[0] ?? '']),
      ),
    );
  }
  const one = (item: unknown) =>
    record(type.attributes, (field) => output(field, (item as Json)[field.field[0] ?? '']));
  return Array.isArray(live) ? live.map(one) : one(live);
}

function plain(type: Type, live: unknown): Value {
  if (typeof type === 'string') return scalar(type, live);
  if (type[0] === 'map') return stringMap(live as Readonly<Record<string, string>>);
  const element = type[0] === 'list' || type[0] === 'set' ? type[1] : 'string';
  return Array.isArray(live) ? live.map((item) => plain(element, item)) : [];
}

/** A value of another kind than the definition says was stored by a later release: shown as text, or not. */
function scalar(type: Type, live: unknown): Value {
  if (type === 'string') return typeof live === 'string' ? live : JSON.stringify(live);
  if (type === 'number') return typeof live === 'number' ? live : null;
  return typeof live === 'boolean' ? live : null;
}

function stringMap(live: Readonly<Record<string, string>>): Value {
  return object(Object.entries(live));
}

function record(fields: FieldAttributes, make: (field: FieldAttribute, name: string) => Value): ValueObject {
  return object(Object.entries(fields).map(([name, field]) => [name, make(field, name)]));
}

function isNestedFields(type: FieldAttribute['type']): type is NestedFields {
  return typeof type === 'object' && 'nesting' in type;
}

function isEmpty(value: Value): boolean {
  if (isList(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every((item) => item === null || isEmpty(item));
}

/** `{}`, `[]`, and objects that hold nothing but such. */
export function isEmptyJson(live: unknown): boolean {
  return typeof live === 'object' && live !== null && Object.values(live).every(isEmptyJson);
}

function sameJson(prior: Value, live: unknown): boolean {
  try {
    return typeof prior === 'string' && sortedJson(JSON.parse(prior)) === sortedJson(live);
  } catch {
    return false;
  }
}

/** JSON text that does not depend on the order of keys; the same that `jsonencode` makes. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item)}`).join(',')}}`;
}

/** Fields that an earlier state of this provider owns: so re-importing restores exactly what was declared. */
function ownedFields(found: KubeObject): Json | undefined {
  return found.metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && !subresource,
  )?.fieldsV1;
}

/** Whether a configuration of Terraform states this field of the object. */
export function isDeclared(found: KubeObject, [first = '', ...rest]: readonly string[]): boolean {
  const owned = ownedFields(found);
  if (owned === undefined || !(`f:${first}` in owned)) return false;
  const last = rest.pop();
  if (last === undefined) return true;
  const parent = rest.reduce((fields, name) => under(fields, name), under(owned, first));
  return `f:${last}` in parent;
}

function under(owned: Json, name: string): Json {
  return (owned[`f:${name}`] ?? {}) as Json;
}

function ownedEntries(
  live: Readonly<Record<string, string>> | undefined,
  owned: Json,
  name: string,
): Readonly<Record<string, string>> {
  const keys = under(under(owned, 'metadata'), name);
  return Object.fromEntries(Object.entries(live ?? {}).filter(([key]) => `f:${key}` in keys));
}
