import { Decimal, numberText } from './number.ts';
import type { Type } from './type.ts';

/** What is already promised about a value that only apply will know. */
export interface Refinements {
  readonly notNull?: boolean;
  readonly prefix?: string;
  readonly lower?: NumberBound;
  readonly upper?: NumberBound;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface NumberBound {
  readonly value: number | bigint | Decimal;
  readonly inclusive: boolean;
}

/** A value that only apply will know. */
export class Unknown {
  readonly refinements: Refinements | undefined;

  constructor(refinements?: Refinements) {
    this.refinements = refinements;
  }
}

export const UNKNOWN = new Unknown();

/** A value of a `dynamic` attribute, which carries its own type. */
export class Dynamic {
  readonly type: Type;
  readonly value: Value;

  constructor(type: Type, value: Value) {
    this.type = type;
    this.value = value;
  }
}

/** Lists, sets and tuples are arrays; maps and objects are records without a prototype. */
export type Value =
  null | string | boolean | number | bigint | Decimal | Unknown | Dynamic | readonly Value[] | ValueObject;

export interface ValueObject {
  readonly [name: string]: Value;
}

export function isUnknown(value: Value | undefined): value is Unknown {
  return value instanceof Unknown;
}

export function isObject(value: Value | undefined): value is ValueObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof Decimal) &&
    !(value instanceof Dynamic)
  );
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** A string value; empty for anything else. */
export function asText(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A record without a prototype, so that a map key such as `__proto__` is only a key. */
export function object(entries: Iterable<readonly [string, Value]> = []): Record<string, Value> {
  const result: Record<string, Value> = Object.create(null) as Record<string, Value>;
  for (const [name, value] of entries) result[name] = value;
  return result;
}

/** The attribute of an object, null where the object is null or lacks it, unknown where it is unknown. */
export function attribute(value: Value | undefined, name: string): Value {
  if (isUnknown(value)) return UNKNOWN;
  return isObject(value) ? (value[name] ?? null) : null;
}

export function isWhollyKnown(value: Value): boolean {
  if (value instanceof Unknown) return false;
  if (value instanceof Dynamic) return isWhollyKnown(value.value);
  if (isList(value)) return value.every(isWhollyKnown);
  return isObject(value) ? Object.values(value).every(isWhollyKnown) : true;
}

/** Equality under a type: sets ignore order, two unknown values are alike. */
export function equal(a: Value, b: Value, type: Type): boolean {
  return a === b || canonical(a, type) === canonical(b, type);
}

/** Text that is the same for equal values of a type, and for no others. */
export function canonical(value: Value, type: Type): string {
  if (value === null) return 'null';
  if (value instanceof Unknown) return '?';
  if (value instanceof Dynamic) return `${JSON.stringify(value.type)}=${canonical(value.value, value.type)}`;
  if (typeof type === 'string') return canonicalScalar(value);
  switch (type[0]) {
    case 'list':
      return `[${asList(value)
        .map((item) => canonical(item, type[1]))
        .join()}]`;
    case 'set':
      return `{${asList(value)
        .map((item) => canonical(item, type[1]))
        .sort()
        .join()}}`;
    case 'tuple':
      return `[${asList(value)
        .map((item, index) => canonical(item, type[1][index] ?? 'dynamic'))
        .join()}]`;
    case 'map':
      return canonicalRecord(value, Object.keys(asRecord(value)), () => type[1]);
    case 'object':
      return canonicalRecord(value, Object.keys(type[1]), (name) => type[1][name] ?? 'dynamic');
  }
}

function canonicalRecord(value: Value, names: string[], typeOf: (name: string) => Type): string {
  const record = asRecord(value);
  const parts = names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(record[name] ?? null, typeOf(name))}`);
  return `{${parts.join()}}`;
}

function canonicalScalar(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal) {
    return numberText(value);
  }
  return typeof value === 'boolean' ? String(value) : 'unexpected';
}

function asList(value: Value): readonly Value[] {
  return isList(value) ? value : [];
}

function asRecord(value: Value): ValueObject {
  return isObject(value) ? value : {};
}
