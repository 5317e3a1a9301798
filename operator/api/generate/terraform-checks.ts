import {
  ADDRESS_PATTERN,
  DNS_NAME_PATTERN,
  DURATION_PATTERN,
  NETWORK_PATTERN,
  QUANTITY_PATTERN,
  SENDER_PATTERN,
} from '../define.ts';
import { WEBHOOK_URL } from '../smtp-relay.ts';

/** What a value must satisfy, from the JSON schema of its field, in the words that a user reads. */
export interface Constraints {
  type?: string;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Constraints & { properties?: object };
  additionalProperties?: (Constraints & { properties?: object }) | boolean;
  propertyNames?: Constraints;
  'x-migosmtp-terraform'?: 'json';
}

const RULES = new Map([
  [DURATION_PATTERN.source, 'must be a length of time such as "90s", "24h" or "1h30m"'],
  [
    DNS_NAME_PATTERN.source,
    'must be a DNS name in lower case, international names as A-labels, no dot at the end',
  ],
  [ADDRESS_PATTERN.source, 'must be an email address such as "noreply@example.com"'],
  [SENDER_PATTERN.source, 'must be an email address, or "*@example.com" for all of a domain'],
  [QUANTITY_PATTERN.source, 'must be a size such as "25Mi", "1Gi" or "500k"'],
  [
    '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$',
    'must be the name of a Kubernetes object: lower case letters, digits, "-" and "."',
  ],
  [NETWORK_PATTERN.source, 'must be an address such as "10.0.0.1", or a network such as "10.0.0.0/24"'],
  [
    WEBHOOK_URL.source,
    'must be an https:// URL; http:// only to localhost, or to a Service by its name in the cluster',
  ],
  [
    '^[A-Za-z0-9_+-]+(\\/[A-Za-z0-9_+-]+){0,2}$',
    'must be an IANA time zone such as "UTC" or "Europe/Berlin"',
  ],
  ['^[^\\r\\n]*$', 'must be one line'],
  [
    '^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$',
    'must be up to 32 lower case letters, digits and "-", no "-" at either end',
  ],
  ['^[-._a-zA-Z0-9]+$', 'must be a key of a Secret: letters, digits, "-", "_" and "."'],
]);

export function hasCheck(field: Constraints): boolean {
  return Object.keys(check(field)).length > 0;
}

export function check(field: Constraints): Record<string, unknown> {
  if (field['x-migosmtp-terraform'] === 'json') return { jsonObject: true };
  const { minimum, maximum, pattern } = field;
  const each = typeof field.additionalProperties === 'object' ? field.additionalProperties : field.items;
  const hasEach = each !== undefined && !each.properties && hasCheck(each);
  const keys = field.propertyNames;
  return {
    ...(pattern !== undefined && { pattern }),
    ...(pattern !== undefined && RULES.has(pattern) && { rule: RULES.get(pattern) }),
    ...(field.enum && { oneOf: field.enum }),
    ...(field.type === 'integer' && { wholeNumber: true }),
    ...(isBound(minimum) && { min: minimum }),
    ...(isBound(maximum) && { max: maximum }),
    ...(field.minLength !== undefined && { minLength: field.minLength }),
    ...(field.maxLength !== undefined && { maxLength: field.maxLength }),
    ...(field.minItems !== undefined && { minItems: field.minItems }),
    ...(field.maxItems !== undefined && { maxItems: field.maxItems }),
    ...(hasEach && { each: check(each) }),
    ...(keys && hasCheck(keys) && { keys: check(keys) }),
  };
}

function isBound(value: number | undefined): value is number {
  return value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}
