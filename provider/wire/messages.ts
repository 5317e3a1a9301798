import type {
  Attribute,
  Attributes,
  Blocks,
  Diagnostic,
  Nesting,
  Path,
  ProviderFunction,
  Schema,
  Type,
  Value,
} from '../core/index.ts';
import { clampPath, isNested } from '../core/index.ts';
import { bool, bytes, integer, many, message, one, string } from './protobuf.ts';
import { decodeValue, encodeValue } from './value-codec.ts';
import { fromJson, parseJson } from './json-codec.ts';

/** Messages that several RPCs share; numbers are those of protocol 6.10's interface file. */
export const dynamicValue = message({ msgpack: one(1, bytes), json: one(2, bytes) });
export type DynamicValue = ReturnType<typeof dynamicValue.decode>;

const step = message({
  attributeName: one(1, string),
  elementKeyString: one(2, string),
  elementKeyInt: one(3, integer),
});
export const attributePath = message({ steps: many(1, step) });
export const diagnostic = message({
  severity: one(1, integer),
  summary: one(2, string),
  detail: one(3, string),
  attribute: one(4, attributePath),
});
export const functionError = message({ text: one(1, string), functionArgument: one(2, integer) });
export const rawState = message({ json: one(1, bytes) });
export const serverCapabilities = message({
  planDestroy: one(1, bool),
  getProviderSchemaOptional: one(2, bool),
  moveResourceState: one(3, bool),
  generateResourceConfig: one(4, bool),
});
export const identityData = message({ identityData: one(1, dynamicValue) });
export const clientCapabilities = message({
  deferralAllowed: one(1, bool),
  writeOnlyAttributesAllowed: one(2, bool),
});
export const deferred = message({ reason: one(1, integer) });
export const timestamp = message({ seconds: one(1, integer), nanos: one(2, integer) });

const attributeFields = {
  name: one(1, string),
  type: one(2, bytes),
  description: one(3, string),
  required: one(4, bool),
  optional: one(5, bool),
  computed: one(6, bool),
  sensitive: one(7, bool),
  descriptionKind: one(8, integer),
  deprecated: one(9, bool),
  // An encoded object: the message refers to itself.
  nestedType: one(10, bytes),
  writeOnly: one(11, bool),
};
const attributeMessage = message(attributeFields);
const objectMessage = message({ attributes: many(1, attributeMessage), nesting: one(3, integer) });
const blockFields = {
  version: one(1, integer),
  attributes: many(2, attributeMessage),
  blockTypes: many(3, bytes),
  description: one(4, string),
  descriptionKind: one(5, integer),
};
const blockMessage = message(blockFields);
const nestedBlock = message({
  typeName: one(1, string),
  block: one(2, blockMessage),
  nesting: one(3, integer),
  minItems: one(4, integer),
  maxItems: one(5, integer),
});
export const schemaMessage = message({ version: one(1, integer), block: one(2, blockMessage) });

const parameter = message({
  name: one(1, string),
  type: one(2, bytes),
  allowNullValue: one(3, bool),
  allowUnknownValues: one(4, bool),
  description: one(5, string),
  descriptionKind: one(6, integer),
});
export const functionMessage = message({
  parameters: many(1, parameter),
  variadicParameter: one(2, parameter),
  return: one(3, message({ type: one(1, bytes) })),
  summary: one(4, string),
  description: one(5, string),
  descriptionKind: one(6, integer),
});

const MARKDOWN = 1;
const SEVERITY = { error: 1, warning: 2 } as const;
/** The same numbers for nested blocks and for nested attributes. */
const NESTING: Readonly<Record<Nesting, number>> = { single: 1, list: 2, set: 3, map: 4 };

export function diagnosticsToWire(found: readonly Diagnostic[]): ReturnType<typeof diagnostic.decode>[] {
  return found.map(clampPath).map(({ severity, summary, detail, path }) => ({
    severity: SEVERITY[severity],
    summary,
    detail,
    ...(path && { attribute: pathToWire(path) }),
  }));
}

export function pathToWire(path: Path): ReturnType<typeof attributePath.decode> {
  return {
    steps: path.map((place) => {
      if ('name' in place) return { attributeName: place.name };
      if ('index' in place) return { elementKeyInt: place.index };
      return { elementKeyString: 'key' in place ? place.key : place.element };
    }),
  };
}

export function valueToWire(value: Value, type: Type): DynamicValue {
  return { msgpack: encodeValue(value, type) };
}

/** An empty message stands for null. */
export function valueFromWire(wire: DynamicValue | undefined, type: Type): Value {
  if (wire?.msgpack?.length) return decodeValue(wire.msgpack, type);
  return wire?.json?.length ? fromJson(parseJson(wire.json), type) : null;
}

export function schemaToWire(schema: Schema): ReturnType<typeof schemaMessage.decode> {
  return { version: schema.version, block: blockToWire(schema) };
}

interface BlockContent {
  readonly attributes: Attributes;
  readonly blocks?: Blocks;
  readonly description?: string;
}

function blockToWire({
  attributes,
  blocks = {},
  description,
}: BlockContent): ReturnType<typeof blockMessage.decode> {
  return {
    attributes: attributesToWire(attributes),
    blockTypes: Object.entries(blocks).map(([typeName, block]) =>
      nestedBlock.encode({ typeName, block: blockToWire(block), nesting: NESTING[block.nesting] }),
    ),
    description,
    descriptionKind: MARKDOWN,
  };
}

function attributesToWire(attributes: Attributes): ReturnType<typeof attributeMessage.decode>[] {
  return Object.entries(attributes).map(([name, attribute]) => ({
    name,
    ...typeToWire(attribute),
    description: attribute.description,
    required: attribute.required,
    optional: attribute.optional,
    computed: attribute.computed,
    sensitive: attribute.sensitive,
    descriptionKind: MARKDOWN,
    deprecated: attribute.deprecated !== undefined || undefined,
    writeOnly: attribute.writeOnly,
  }));
}

function typeToWire({ type }: Attribute): { type?: Uint8Array; nestedType?: Uint8Array } {
  if (!isNested(type)) return { type: typeToJson(type) };
  const attributes = attributesToWire(type.attributes);
  return { nestedType: objectMessage.encode({ attributes, nesting: NESTING[type.nesting] }) };
}

export function functionToWire(definition: ProviderFunction): ReturnType<typeof functionMessage.decode> {
  const { parameters, variadic, returns, summary, description } = definition;
  return {
    parameters: parameters.map(parameterToWire),
    variadicParameter: variadic && parameterToWire(variadic),
    return: { type: typeToJson(returns) },
    summary,
    description,
    descriptionKind: MARKDOWN,
  };
}

function parameterToWire(
  definition: ProviderFunction['parameters'][number],
): ReturnType<typeof parameter.decode> {
  return {
    name: definition.name,
    type: typeToJson(definition.type),
    allowNullValue: definition.allowNull,
    description: definition.description,
    descriptionKind: MARKDOWN,
  };
}

function typeToJson(type: Type): Uint8Array {
  return Buffer.from(JSON.stringify(type));
}
