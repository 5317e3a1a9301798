/**
 * The vocabulary in which resources are stated: fields with their descriptions, defaults and rules as data.
 *
 * Everything that is derived (CRD, Terraform schema, docs, validation on old API servers) reads the metadata that
 * these functions attach. Keys beginning with `x-kubernetes-` go into the CRD as they are; keys beginning with
 * `x-migosmtp-` are for the other derivations and are left out of it.
 */
import { z } from 'zod';

export const GROUP = 'migosmtp.com';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const CATEGORY = 'migosmtp';

/** A rule over one or several fields: in CEL for the API server, as a function where it has no CEL. */
export interface Rule<T> {
  /** CEL over `self`, true when valid. Optional fields need `has()`. */
  cel: string;
  /** What the user reads: the field, what is wrong, what to do. */
  message: string;
  /** The same rule as a function, true when valid. One table of objects proves both equal. */
  check: (self: T) => boolean;
}

/** Attach cross-field rules to an object schema: refinements here, `x-kubernetes-validations` in the CRD. */
export function withRules<S extends z.ZodType>(schema: S, rules: Rule<z.infer<S>>[]): S {
  let result: S = schema;
  for (const rule of rules) result = result.refine(rule.check, { message: rule.message });
  return withMeta(result, {
    'x-kubernetes-validations': rules.map(({ cel, message }) => ({ rule: cel, message })),
  });
}

/**
 * Mark a required field as fixed for the life of its object. An API server with CEL refuses a change; without CEL
 * the operator keeps the value that status shows, and says so in a condition.
 */
export function immutable<S extends z.ZodType>(schema: S, field: string): S {
  return withMeta(schema, {
    'x-kubernetes-validations': [
      { rule: 'self == oldSelf', message: `${field} is immutable: delete the object and create another` },
    ],
    'x-migosmtp-immutable': true,
  });
}

/** State the value that the code takes when the field is absent. Never written into the object (GitOps diffs). */
export function withDefault<S extends z.ZodType>(schema: S, value: unknown): S {
  return withMeta(schema, { 'x-migosmtp-default': value });
}

/** Add metadata to what a schema already has. */
export function withMeta<S extends z.ZodType>(schema: S, meta: Record<string, unknown>): S {
  return schema.meta({ ...schema.meta(), ...meta });
}

/** Whole number within bounds; counts of emails, accounts, replicas, bytes. */
export function count(min: number, max = 2_147_483_647): z.ZodInt {
  return z.int().min(min).max(max);
}

export const DURATION_PATTERN = /^([0-9]+(s|m|h))+$/;
/** Length of time such as `90s`, `24h`, `1h30m`. */
export function duration(): z.ZodString {
  return z.string().regex(DURATION_PATTERN).max(32);
}

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
export const DNS_NAME_PATTERN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
/** Host or domain name: lower case, A-labels for international names, no trailing dot. */
export function dnsName(): z.ZodString {
  return z.string().regex(DNS_NAME_PATTERN).max(253);
}

/** Name of a Kubernetes object in the same namespace. */
export function objectName(): z.ZodString {
  return z
    .string()
    .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/)
    .max(253);
}

/** Key within a Secret. */
export function secretKey(): z.ZodString {
  return z
    .string()
    .regex(/^[-._a-zA-Z0-9]+$/)
    .max(253);
}

const LOCAL_PART = "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}";
const MAIL_DOMAIN = `(${LABEL}\\.)+${LABEL}`;
/** Address with a domain of at least two labels: `noreply@example.com`. */
export const ADDRESS_PATTERN = new RegExp(`^${LOCAL_PART}@${MAIL_DOMAIN}$`);
/** Address, or every address of a domain: `*@example.com`. */
export const SENDER_PATTERN = new RegExp(`^(\\*|${LOCAL_PART})@${MAIL_DOMAIN}$`);
export function address(): z.ZodString {
  return z.string().regex(ADDRESS_PATTERN).max(254);
}

/** Kubernetes quantity of bytes: `25Mi`, `1Gi`, `500k`, `1048576`. */
export const QUANTITY_PATTERN = /^[0-9]+(Ki|Mi|Gi|Ti|k|M|G|T)?$/;
export function quantity(): z.ZodString {
  return z.string().regex(QUANTITY_PATTERN).max(20);
}

/** An address, or a network in CIDR notation. */
export const NETWORK_PATTERN = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(\/[0-9]{1,3})?$/;
export function network(): z.ZodString {
  return z.string().max(64).regex(NETWORK_PATTERN, 'must be an address or a network such as 10.0.0.0/24');
}

export function stringMap(): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string(), z.string());
}

/** List whose entries are told apart by these keys, so that server-side apply merges entry by entry. */
export function keyedList<S extends z.ZodType>(item: S, keys: string[]): z.ZodArray<S> {
  return withMeta(z.array(item), { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** List without order or repetition. */
export function setList<S extends z.ZodType>(item: S, max: number): z.ZodArray<S> {
  return withMeta(z.array(item).max(max), { 'x-kubernetes-list-type': 'set' });
}

export const timestamp = (): z.ZodString => withMeta(z.string(), { format: 'date-time' });

/** metav1.Condition, with observedGeneration always there (kubectl wait and kstatus need it). */
export const conditionSchema = z.object({
  type: z.string().describe('What it speaks of: Ready, or a step behind it.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z.int().describe('Generation of the spec that it speaks of.').optional(),
  lastTransitionTime: timestamp().describe('When status changed last.'),
  reason: z.string().describe('Why, as one word.'),
  message: z.string().describe('Why, for people.'),
});
export type Condition = z.infer<typeof conditionSchema>;

export const conditions = () =>
  keyedList(conditionSchema, ['type']).describe('Where the object stands, step by step; Ready sums them up.');
export const observedGeneration = () =>
  z.int().describe('Generation of the spec that this status speaks of.');

/** One column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date' | 'boolean';
  jsonPath: string;
  description?: string;
  priority?: number;
}

/** Beside Ready: why it is as it is. */
export const REASON_COLUMN: PrinterColumn = {
  name: 'Reason',
  type: 'string',
  jsonPath: ".status.conditions[?(@.type=='Ready')].reason",
};
/** With `-o wide`: what to do next. */
export const MESSAGE_COLUMN: PrinterColumn = {
  name: 'Message',
  type: 'string',
  jsonPath: ".status.conditions[?(@.type=='Ready')].message",
  priority: 1,
};

/** A custom resource as data. */
export interface KindDefinition<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> {
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  description: string;
  spec: Spec;
  status: Status;
  printerColumns: PrinterColumn[];
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string };
  /** Labels of the CRD itself. */
  crdLabels?: Record<string, string>;
}

export function defineKind<Spec extends z.ZodType, Status extends z.ZodType>(
  definition: KindDefinition<Spec, Status>,
): KindDefinition<Spec, Status> {
  return definition;
}

/** Object metadata as far as the product reads it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** A custom object as the API serves it. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: Spec;
  status?: Status;
}
