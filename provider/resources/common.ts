import { DURATION_PATTERN, type Attribute, type Attributes } from '../core/index.ts';

const NAME = {
  pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$',
  rule: 'must be the name of a Kubernetes object: lower case letters, digits, "-" and "."',
  maxLength: 253,
};
export const NAMESPACE_CHECK = {
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  rule: 'must be the name of a Kubernetes namespace: lower case letters, digits and "-"',
  maxLength: 63,
};

export const DEFAULT_NAMESPACE = 'default';

/** How objects are addressed: arguments of every resource and data source. */
export function address(what: string): Attributes {
  return {
    name: {
      type: 'string',
      required: true,
      replace: true,
      check: NAME,
      description: `Name of the ${what}.`,
    },
    namespace: {
      type: 'string',
      optional: true,
      computed: true,
      default: DEFAULT_NAMESPACE,
      replace: true,
      check: NAMESPACE_CHECK,
      description: `Namespace (workspace) of the ${what}. Default: \`${DEFAULT_NAMESPACE}\`.`,
    },
  };
}

export const uid: Attribute = {
  type: 'string',
  computed: true,
  changesWith: [],
  description: 'Unique id that Kubernetes gave the object; another one means another object.',
};

const LABEL_NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const KEY = {
  pattern: `^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${LABEL_NAME}$`,
  rule: 'must have a key of Kubernetes: up to 63 letters, digits, "-", "_" and ".", perhaps behind a DNS name and "/"',
};
const LABEL_VALUE = {
  pattern: `^(${LABEL_NAME})?$`,
  rule: 'must be a label value of Kubernetes: up to 63 letters, digits, "-", "_" and "."',
};

/** Arguments that resources of a kind share. */
export const metadata: Attributes = {
  labels: {
    type: ['map', 'string'],
    optional: true,
    check: { keys: KEY, each: LABEL_VALUE },
    description: 'Labels of the object. Labels that others set stay untouched.',
  },
  annotations: {
    type: ['map', 'string'],
    optional: true,
    check: { keys: KEY },
    description: 'Annotations of the object. Annotations that others set stay untouched.',
  },
};

/** Arguments that steer Terraform only: they are not part of the object. */
export function steering(timeouts: Timeouts): Attributes {
  return {
    wait: {
      type: 'bool',
      optional: true,
      local: true,
      description: 'Whether apply waits until the object is ready. Default: `true`.',
    },
    force_conflicts: {
      type: 'bool',
      optional: true,
      local: true,
      description: 'Take over fields that another manager owns, instead of refusing. Default: `false`.',
    },
    timeouts: timeoutsAttribute(timeouts),
  };
}

export interface Timeouts {
  readonly create: string;
  readonly update?: string;
  readonly delete?: string;
}

export function timeoutsAttribute(defaults: Timeouts): Attribute {
  const entries = Object.entries(defaults).map(([operation, fallback]: [string, string]) => [
    operation,
    timeout(operation, fallback),
  ]);
  return {
    type: { nesting: 'single', attributes: Object.fromEntries(entries) as Attributes },
    optional: true,
    local: true,
    description: 'How long operations may take.',
  };
}

export function timeout(operation: string, fallback: string): Attribute {
  return {
    type: 'string',
    optional: true,
    check: { pattern: DURATION_PATTERN, rule: 'must be a length of time such as "90s", "10m" or "1h30m"' },
    description: `How long ${operation} may take. Default: \`${fallback}\`.`,
  };
}
