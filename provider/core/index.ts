/**
 * What a Terraform provider is, over values: schemas, planning, validation, the life of a resource.
 * Flow: wire/ decodes a request, Engine decides which operation it means and what the plan or state becomes,
 * and the provider's own operations do the work.
 * Limits: pure. No I/O, clock or environment here, and nothing about mail or Kubernetes.
 */
export * from './diagnostic.ts';
export * from './duration.ts';
export * from './engine.ts';
export * from './expression.ts';
export * from './generated-config.ts';
export * from './identity.ts';
export * from './name.ts';
export * from './number.ts';
export * from './path.ts';
export * from './plan.ts';
export * from './provider.ts';
export * from './schema.ts';
export * from './type.ts';
export * from './validate.ts';
export * from './value.ts';
