import type { Construct } from 'constructs';
import { DefaultTokenResolver, StringConcat, Tokenization, type TerraformResource } from '#core';
import { schemas } from '#bindings/schemas.js';
import { UNKNOWN, object, validate, type Schema, type Value } from '../core/index.ts';

const known = schemas as Readonly<Record<string, Schema>>;

/**
 * Holds a resource against the provider's own checks when the stack is synthesised, overrides included, so that
 * what `terraform validate` would refuse is refused here, with the construct's path. Values that only Terraform
 * knows pass.
 */
export function checkAtSynth(construct: Construct, resource: TerraformResource): void {
  construct.node.addValidation({ validate: () => problemsOf(resource) });
}

function problemsOf(resource: TerraformResource): string[] {
  const schema = known[resource.terraformResourceType];
  if (schema === undefined) return [];
  const synthesised = Tokenization.resolve(resource.toTerraform(), {
    scope: resource,
    resolver: new DefaultTokenResolver(new StringConcat()),
    preparing: false,
  }) as SynthesisedResource;
  const config = valueOf(synthesised.resource[resource.terraformResourceType]?.[resource.friendlyUniqueId]);
  if (config === null || typeof config !== 'object') return [];
  return validate(schema, config as Parameters<typeof validate>[1])
    .filter(({ severity }) => severity === 'error')
    .map(({ detail }) => inWordsOfConstructs(detail));
}

interface SynthesisedResource {
  resource: Record<string, Record<string, unknown>>;
}

function valueOf(json: unknown): Value {
  if (typeof json === 'string') return json.includes('${') ? UNKNOWN : json;
  if (Array.isArray(json)) return json.map(valueOf);
  if (typeof json === 'number' || typeof json === 'boolean') return json;
  if (typeof json !== 'object' || json === null) return null;
  return object(Object.entries(json).map(([name, member]) => [name, valueOf(member)] as const));
}

/** Attribute names as the code has them: `max_accounts` is `maxAccounts` here. */
function inWordsOfConstructs(detail: string): string {
  return detail.replaceAll(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) =>
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
}
