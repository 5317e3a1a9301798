import type { Expression } from './expression.ts';
import type { Type } from './type.ts';
import type { Value } from './value.ts';

/**
 * A schema as data: it can be generated, compared and printed. What Terraform knows (required, computed,
 * sensitive) and what it leaves to a provider (defaults, replacement, checks) stand side by side.
 */
export interface Schema {
  readonly version: number;
  readonly description: string;
  readonly attributes: Attributes;
  readonly blocks?: Blocks;
  readonly rules?: readonly Rule[];
}

export interface Attributes {
  readonly [name: string]: Attribute;
}

export interface Attribute {
  readonly type: Type | NestedType;
  readonly description?: string;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  /** Sent on create and update, never stored: null in plan and state. */
  readonly writeOnly?: boolean;
  readonly deprecated?: string;
  /** Planned where configuration is silent; needs `optional` and `computed`. */
  readonly default?: Value;
  /** A change means a new object. */
  readonly replace?: boolean;
  /**
   * Which attributes' changes make a computed value unknown again: absent means any, none means that the
   * value stays for the object's life. Listed are top-level names, and members of objects such as `rotation.revision`.
   */
  readonly changesWith?: readonly string[];
  /** Which attributes' changes may bring a value where there is none yet. */
  readonly appearsWith?: readonly string[];
  /** Belongs to Terraform's side only (timeouts, force): a change of it alone leaves computed values known. */
  readonly local?: boolean;
  readonly check?: Check;
}

export interface NestedType {
  readonly nesting: Nesting;
  readonly attributes: Attributes;
}

export type Nesting = 'single' | 'list' | 'set' | 'map';

export interface Blocks {
  readonly [name: string]: Block;
}

export interface Block {
  readonly nesting: Nesting;
  readonly attributes: Attributes;
  readonly description?: string;
}

/** What a known value of one attribute must satisfy; `rule` completes the sentence "must ...". */
export interface Check {
  readonly pattern?: string;
  readonly rule?: string;
  readonly oneOf?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly wholeNumber?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Text that holds an object as JSON. */
  readonly jsonObject?: boolean;
  /** Checks each element of a list, set or map of scalars. */
  readonly each?: Check;
  /** Checks the keys of a map. */
  readonly keys?: Check;
}

/** A condition over several attributes of one object, true when valid. */
export interface Rule {
  /** Names of the objects on the way to the one that the expression calls `self`; empty for the whole. */
  readonly within: readonly string[];
  readonly expression: Expression;
  readonly message: string;
}

export function isNested(type: Type | NestedType): type is NestedType {
  return typeof type === 'object' && 'nesting' in type;
}

/** The value type that a schema's configuration and state have. */
export function schemaType(schema: Pick<Schema, 'attributes' | 'blocks'>): Type {
  const members: Record<string, Type> = Object.create(null) as Record<string, Type>;
  for (const [name, attribute] of Object.entries(schema.attributes)) members[name] = attributeType(attribute);
  for (const [name, block] of Object.entries(schema.blocks ?? {})) members[name] = nestedType(block);
  return ['object', members];
}

export function attributeType(attribute: Attribute): Type {
  return isNested(attribute.type) ? nestedType(attribute.type) : attribute.type;
}

function nestedType(nested: NestedType): Type {
  const element = schemaType({ attributes: nested.attributes });
  return nested.nesting === 'single' ? element : [nested.nesting, element];
}
