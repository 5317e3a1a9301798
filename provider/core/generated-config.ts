import { isNested, type Attribute, type Attributes, type NestedType, type Schema } from './schema.ts';
import { isList, isObject, object, type Value, type ValueObject } from './value.ts';

/**
 * The configuration that would lead to a state: what `plan -generate-config-out` writes. Computed values and those
 * that equal their default are left out, so that the text says only what someone decided.
 */
export function configFromState(schema: Schema, state: ValueObject): ValueObject {
  return fromAttributes(schema.attributes, state);
}

function fromAttributes(attributes: Attributes, state: ValueObject): ValueObject {
  return object(
    Object.entries(attributes).map(([name, attribute]) => [name, stated(attribute, state[name] ?? null)]),
  );
}

function stated(attribute: Attribute, value: Value): Value {
  if (attribute.required !== true && attribute.optional !== true) return null;
  if (attribute.writeOnly || value === null || value === attribute.default) return null;
  return isNested(attribute.type) ? elements(attribute.type, value) : value;
}

function elements(type: NestedType, value: Value): Value {
  const one = (item: Value) => (isObject(item) ? fromAttributes(type.attributes, item) : item);
  if (isList(value)) return value.map(one);
  if (!isObject(value) || type.nesting === 'single') return one(value);
  return object(Object.entries(value).map(([key, item]) => [key, one(item)]));
}
