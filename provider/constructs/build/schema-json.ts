/**
 * Provider schemas in the form that `terraform providers schema -json` prints, which the bindings generators read.
 * Made from the same objects that the provider answers Terraform with, so bindings need neither terraform nor a
 * built provider; a test holds the result against what terraform prints.
 */
import { isNested, type Attribute, type Attributes, type Block, type Schema } from '../../core/index.ts';

/** What of a provider is needed here; `Provider` of core/ has it. */
export interface ProviderSchemas {
  readonly schema: Schema;
  readonly resources: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly dataSources: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly ephemeralResources: Readonly<Record<string, { readonly schema: Schema }>>;
}

type Json = Record<string, unknown>;

/** `address` is the full source address, `registry.terraform.io/<namespace>/<name>`. */
export function schemaJson(address: string, provider: ProviderSchemas): Json {
  return {
    format_version: '1.0',
    provider_schemas: {
      [address]: {
        provider: schema(provider.schema),
        resource_schemas: schemas(provider.resources),
        data_source_schemas: schemas(provider.dataSources),
        ephemeral_resource_schemas: schemas(provider.ephemeralResources),
      },
    },
  };
}

function schemas(all: Readonly<Record<string, { readonly schema: Schema }>>): Json {
  return mapValues(all, (one) => schema(one.schema));
}

function schema(source: Schema): Json {
  return {
    version: source.version,
    block: { ...block(source), ...described(source.description) },
  };
}

function block(source: { readonly attributes: Attributes; readonly blocks?: Schema['blocks'] }): Json {
  return {
    attributes: mapValues(source.attributes, attribute),
    ...(source.blocks && { block_types: mapValues(source.blocks, nestedBlock) }),
  };
}

function nestedBlock(source: Block): Json {
  return { nesting_mode: source.nesting, block: { ...block(source), ...described(source.description) } };
}

function attribute(source: Attribute): Json {
  return {
    ...(isNested(source.type)
      ? { nested_type: { ...block(source.type), nesting_mode: source.type.nesting } }
      : { type: source.type }),
    ...described(source.description),
    ...(source.required && { required: true }),
    ...(source.optional && { optional: true }),
    ...(source.computed && { computed: true }),
    ...(source.sensitive && { sensitive: true }),
    ...(source.writeOnly && { write_only: true }),
    ...(source.deprecated !== undefined && { deprecated: true }),
  };
}

function described(description: string | undefined): Json {
  return { ...(description && { description }), description_kind: 'markdown' };
}

function mapValues<T>(all: Readonly<Record<string, T>>, change: (one: T) => Json): Json {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, change(one)]));
}
