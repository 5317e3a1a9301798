import { isObject, isWhollyKnown, object, type Value, type ValueObject } from './value.ts';
import type { Type } from './type.ts';

/**
 * What tells one object from every other for good (Terraform 1.12). Its attributes are attributes of the state too,
 * under the same names; once given they never change.
 */
export interface IdentitySchema {
  readonly version: number;
  readonly attributes: Readonly<Record<string, IdentityAttribute>>;
  /** The import id that means the same object. */
  importId(identity: ValueObject): string;
}

export interface IdentityAttribute {
  readonly type: Type;
  readonly description: string;
  /** Must be stated in an import block; others have a default. */
  readonly requiredForImport: boolean;
}

export function identityType(schema: IdentitySchema): Type {
  return [
    'object',
    Object.fromEntries(Object.entries(schema.attributes).map(([name, { type }]) => [name, type])),
  ];
}

/** The identity that a state or plan has; null while a part of it is not known. */
export function identityOf(schema: IdentitySchema, state: Value): ValueObject | null {
  if (!isObject(state)) return null;
  const entries = Object.keys(schema.attributes).map((name) => [name, state[name] ?? null] as const);
  const isKnown = entries.every(([, value]) => value !== null && isWhollyKnown(value));
  return isKnown ? object(entries) : null;
}
