/** Which namespaces an object admits, as in the Gateway API. */
import type { AllowedNamespaces } from '../api/index.ts';

export type Selector = NonNullable<AllowedNamespaces['selector']>;

/** Undefined only where there is no such namespace, as far as is known. */
export function labelsOf(
  namespace: { metadata: { labels?: Record<string, string> } } | undefined,
): Record<string, string> | undefined {
  return namespace && (namespace.metadata.labels ?? {});
}

/** Whether `namespace` with these labels is admitted by an object that lives in `home`. */
export function admits(
  allowed: AllowedNamespaces | undefined,
  home: string,
  namespace: string,
  labels: Record<string, string> | undefined,
): boolean {
  if (namespace === home) return true;
  switch (allowed?.from ?? 'Same') {
    case 'Same':
      return false;
    case 'All':
      return true;
    case 'Selector':
      return allowed?.selector !== undefined && matches(allowed.selector, labels ?? {});
  }
}

/** metav1.LabelSelector. An empty selector matches everything. */
export function matches(selector: Selector, labels: Record<string, string>): boolean {
  const hasLabels = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return hasLabels && (selector.matchExpressions ?? []).every((expression) => fulfils(expression, labels));
}

function fulfils(
  { key, operator, values }: NonNullable<Selector['matchExpressions']>[number],
  labels: Record<string, string>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && (values ?? []).includes(value);
    case 'NotIn':
      return value === undefined || !(values ?? []).includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
