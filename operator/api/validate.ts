/** Validation of objects against their definition, where the API server could not do it. */
import type { KindDefinition } from './define.ts';

/** One thing wrong with an object. */
export interface Problem {
  /** Path in the object: `spec.rotation.interval`. */
  field: string;
  message: string;
}

/** What is wrong with a spec; empty when it is valid. Words equal those of the API server's rules. */
export function specProblems(definition: KindDefinition, spec: unknown): Problem[] {
  const result = definition.spec.safeParse(spec);
  if (result.success) return [];
  return result.error.issues.map((issue) => ({
    field: ['spec', ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
}
