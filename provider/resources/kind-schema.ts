import type { Attribute, NestedType, Rule, Type } from '../core/index.ts';

/** A resource definition of operator/api as attributes: what schema.generated.ts holds. */
export interface KindSchema {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly description: string;
  readonly spec: FieldAttributes;
  readonly status: FieldAttributes;
  readonly rules: readonly Rule[];
}

export interface FieldAttributes {
  readonly [name: string]: FieldAttribute;
}

/** An attribute that knows its place in the Kubernetes object, from spec or status on. */
export interface FieldAttribute extends Omit<Attribute, 'type'> {
  readonly field: readonly string[];
  readonly type: Type | NestedFields;
  /** `json`: an object that Terraform sees as JSON text. `members`: an object's members as a list. */
  readonly encoding?: 'json' | 'members';
  /** What the API takes where the field is absent; it is never written into the object. */
  readonly apiDefault?: string | number | boolean;
}

export interface NestedFields extends NestedType {
  readonly attributes: FieldAttributes;
}

/**
 * Status that goes on changing while nothing is declared, by the name that one kind or another has for it. Data sources
 * show it, the state of a resource does not: every look for drift would find some, and Terraform copies and writes all of
 * a state for each of its objects. Of `credentials` the revision stays, as `credentials_revision`.
 */
const PASSING: ReadonlySet<string> = new Set(
  'conditions usage credentials used period as_of accounts domains ready_replicas pods revision'.split(' '),
);

/** What the state of a resource shows of status. */
export function lastingStatus({ status }: KindSchema): FieldAttributes {
  return Object.fromEntries(Object.entries(status).filter(([name]) => !PASSING.has(name)));
}
