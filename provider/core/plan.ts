import type { Path } from './path.ts';
import {
  attributeType,
  isNested,
  type Attribute,
  type Attributes,
  type NestedType,
  type Schema,
} from './schema.ts';
import {
  attribute as memberOf,
  equal,
  isList,
  isObject,
  object,
  UNKNOWN,
  type Value,
  type ValueObject,
} from './value.ts';

export interface PlanInput {
  /** What the state holds; null when the object is to be created. */
  readonly prior: ValueObject | null;
  /** Terraform's own merge of prior state and configuration. */
  readonly proposed: ValueObject;
  readonly config: ValueObject;
}

export interface Plan {
  readonly planned: ValueObject;
  /** Attributes whose change needs a new object. */
  readonly replace: readonly Path[];
}

/**
 * What the object will look like. Configuration is taken as it is; where it is silent, defaults step in; and
 * computed values stay known as long as nothing that they depend on changes.
 */
export function plan(schema: Schema, input: PlanInput): Plan {
  const { prior, config } = input;
  const settled = withDefaults(schema.attributes, input.proposed, config);
  if (settled === prior) return { planned: prior, replace: [] };
  const changed = changedNames(schema, prior, settled);
  const planned = withComputed(schema.attributes, settled, config, prior, changed);
  return { planned, replace: replacements(schema.attributes, prior, planned, []) };
}

/** Attributes that differ from the state, and members of objects in them; those on Terraform's side only are left out. */
export function changedNames(
  schema: Schema,
  prior: ValueObject | null,
  next: ValueObject,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, attribute] of Object.entries(schema.attributes)) {
    if (attribute.local) continue;
    const before = prior?.[name] ?? null;
    const after = next[name] ?? null;
    if (equal(before, after, attributeType(attribute))) continue;
    names.add(name);
    for (const member of changedMembers(attribute, before, after)) names.add(`${name}.${member}`);
  }
  return names;
}

function changedMembers({ type }: Attribute, before: Value, after: Value): string[] {
  if (!isNested(type) || type.nesting !== 'single') return [];
  return Object.entries(type.attributes)
    .filter(([name, member]) => !equal(memberOf(before, name), memberOf(after, name), attributeType(member)))
    .map(([name]) => name);
}

/** The value itself where no default and no write-only argument changes it: then nothing is compared further on. */
function withDefaults(attributes: Attributes, value: ValueObject, config: Value): ValueObject {
  let result: Record<string, Value> | undefined;
  for (const [name, attribute] of Object.entries(attributes)) {
    const before = value[name] ?? null;
    const after = withDefault(attribute, before, isObject(config) ? (config[name] ?? null) : null);
    if (after === before) continue;
    result ??= object(Object.entries(value));
    result[name] = after;
  }
  return result ?? value;
}

function withDefault(attribute: Attribute, value: Value, stated: Value): Value {
  if (attribute.writeOnly) return null;
  if (stated === null && attribute.default !== undefined) return attribute.default;
  if (!isNested(attribute.type)) return value;
  return eachElement(attribute.type, value, stated, (type, item, config) =>
    withDefaults(type.attributes, item, config),
  );
}

function withComputed(
  attributes: Attributes,
  value: ValueObject,
  config: Value,
  prior: ValueObject | null,
  changed: ReadonlySet<string>,
): ValueObject {
  if (prior !== null && changed.size === 0) return value;
  const result = object(Object.entries(value));
  for (const [name, attribute] of Object.entries(attributes)) {
    const stated = isObject(config) ? (config[name] ?? null) : null;
    if (stated === null && isLeftToProvider(attribute)) {
      const before = prior?.[name] ?? null;
      result[name] = prior !== null && staysKnown(attribute, before, changed) ? before : UNKNOWN;
    } else if (isNested(attribute.type)) {
      // Inside lists, sets and maps elements have no identity: what is computed there is unknown on any change.
      const before = attribute.type.nesting === 'single' ? (prior?.[name] ?? null) : null;
      result[name] = eachElement(attribute.type, result[name] ?? null, stated, (type, item, itemConfig) =>
        withComputed(type.attributes, item, itemConfig, isObject(before) ? before : null, changed),
      );
    }
  }
  return result;
}

function isLeftToProvider(attribute: Attribute): boolean {
  return attribute.computed === true && attribute.default === undefined;
}

function staysKnown(attribute: Attribute, before: Value, changed: ReadonlySet<string>): boolean {
  const { changesWith, appearsWith = [] } = attribute;
  if (changesWith === undefined) return false;
  const causes = before === null ? [...changesWith, ...appearsWith] : changesWith;
  return !causes.some((name) => changed.has(name));
}

function replacements(
  attributes: Attributes,
  prior: ValueObject | null,
  planned: ValueObject,
  path: Path,
): Path[] {
  if (prior === null) return [];
  const found: Path[] = [];
  for (const [name, attribute] of Object.entries(attributes)) {
    const before = prior[name] ?? null;
    const after = planned[name] ?? null;
    const place = [...path, { name }];
    if (attribute.replace && !equal(before, after, attributeType(attribute))) found.push(place);
    else if (isNested(attribute.type) && isObject(before) && isObject(after)) {
      if (attribute.type.nesting === 'single') {
        found.push(...replacements(attribute.type.attributes, before, after, place));
      }
    }
  }
  return found;
}

type ElementChange = (type: NestedType, item: ValueObject, config: Value) => ValueObject;

/** Applies a change to each object of a nested attribute; null and unknown stay what they are, as does what no change meets. */
function eachElement(type: NestedType, value: Value, config: Value, change: ElementChange): Value {
  if (isList(value)) {
    const stated = isList(config) ? config : [];
    // The order of a set says nothing about which configured element is meant: an element is its own.
    const items = value.map((item, index) =>
      isObject(item) ? change(type, item, type.nesting === 'set' ? item : (stated[index] ?? null)) : item,
    );
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  if (type.nesting === 'single') return change(type, value, config);
  const stated = isObject(config) ? config : {};
  const entries = Object.entries(value).map(([key, item]): [string, Value] => [
    key,
    isObject(item) ? change(type, item, stated[key] ?? null) : item,
  ]);
  return entries.every(([key, item]) => item === value[key]) ? value : object(entries);
}
