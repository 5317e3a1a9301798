import {
  error,
  identityOf,
  identityType,
  isObject,
  type IdentitySchema,
  type Resource,
  type Value,
  type ValueObject,
} from '../../core/index.ts';
import { fromJson, parseJsonObject } from '../json-codec.ts';
import {
  diagnostic,
  diagnosticsToWire,
  identityData,
  rawState,
  valueFromWire,
  valueToWire,
} from '../messages.ts';
import { bool, bytes, integer, many, mapOf, message, one, string } from '../protobuf.ts';
import { attempt, type Methods, type RpcContext } from './context.ts';

const identitySchemaMessage = message({
  version: one(1, integer),
  attributes: many(
    2,
    message({
      name: one(1, string),
      type: one(2, bytes),
      requiredForImport: one(3, bool),
      optionalForImport: one(4, bool),
      description: one(5, string),
    }),
  ),
});
const schemasResponse = message({ identitySchemas: mapOf(1, identitySchemaMessage) });
const upgradeRequest = message({
  typeName: one(1, string),
  version: one(2, integer),
  rawIdentity: one(3, rawState),
});
const upgradeResponse = message({
  upgradedIdentity: one(1, identityData),
  diagnostics: many(2, diagnostic),
});

export type IdentityData = ReturnType<typeof identityData.decode>;

/** GetResourceIdentitySchemas and UpgradeResourceIdentity: what tells objects apart for good. */
export function identityMethods({ engine }: RpcContext<unknown>): Methods {
  return {
    GetResourceIdentitySchemas: () => {
      const known = Object.entries(engine.provider.resources).flatMap(([name, { identity }]) =>
        identity ? [[name, schemaToWire(identity)] as const] : [],
      );
      return schemasResponse.encode({ identitySchemas: Object.fromEntries(known) });
    },
    UpgradeResourceIdentity: async (request) => {
      const { typeName = '', version = 0, rawIdentity } = upgradeRequest.decode(request);
      const response = await attempt(
        () => {
          const { identity } = engine.resource(typeName);
          if (!identity || version > identity.version) return { diagnostics: [tooNew(typeName)] };
          const value = fromJson(
            parseJsonObject(rawIdentity?.json ?? new Uint8Array()),
            identityType(identity),
          );
          return { upgradedIdentity: encoded(identity, value), diagnostics: [] };
        },
        (diagnostics) => ({ diagnostics }),
      );
      return upgradeResponse.encode({ ...response, diagnostics: diagnosticsToWire(response.diagnostics) });
    },
  };
}

/** The identity of a state or plan, undefined where it has none yet. */
export function identityToWire({ identity }: Resource<unknown>, state: Value): IdentityData | undefined {
  const value = identity && identityOf(identity, state);
  return identity && value ? encoded(identity, value) : undefined;
}

export function identityFromWire(
  { identity }: Resource<unknown>,
  wire: IdentityData | undefined,
): ValueObject | undefined {
  if (!identity || !wire?.identityData) return undefined;
  const value = valueFromWire(wire.identityData, identityType(identity));
  return isObject(value) ? value : undefined;
}

function encoded(identity: IdentitySchema, value: Value): IdentityData {
  return { identityData: valueToWire(value, identityType(identity)) };
}

function schemaToWire(identity: IdentitySchema): ReturnType<typeof identitySchemaMessage.decode> {
  return {
    version: identity.version,
    attributes: Object.entries(identity.attributes).map(
      ([name, { type, description, requiredForImport }]) => ({
        name,
        type: Buffer.from(JSON.stringify(type)),
        ...(requiredForImport ? { requiredForImport } : { optionalForImport: true }),
        description,
      }),
    ),
  };
}

function tooNew(typeName: string) {
  return error(
    'Identity is of a later provider',
    `The identity of ${typeName} was written by a later release of this provider. Use that release or a later one.`,
  );
}
