import type { Engine } from '../../core/index.ts';
import {
  functionMessage,
  functionToWire,
  schemaMessage,
  schemaToWire,
  serverCapabilities,
} from '../messages.ts';
import { many, mapOf, message, one, string } from '../protobuf.ts';
import type { Methods, RpcContext } from './context.ts';

const CAPABILITIES = {
  planDestroy: true,
  getProviderSchemaOptional: true,
  moveResourceState: true,
  generateResourceConfig: true,
};

const named = message({ name: one(1, string) });
const metadataResponse = message({
  serverCapabilities: one(1, serverCapabilities),
  dataSources: many(3, named),
  resources: many(4, named),
  functions: many(5, named),
  ephemeralResources: many(6, named),
  listResources: many(7, named),
  actions: many(9, named),
});
const schemaResponse = message({
  provider: one(1, schemaMessage),
  resourceSchemas: mapOf(2, schemaMessage),
  dataSourceSchemas: mapOf(3, schemaMessage),
  serverCapabilities: one(6, serverCapabilities),
  functions: mapOf(7, functionMessage),
  ephemeralResourceSchemas: mapOf(8, schemaMessage),
  listResourceSchemas: mapOf(9, schemaMessage),
  actionSchemas: mapOf(11, message({ schema: one(1, schemaMessage) })),
});
const functionsResponse = message({ functions: mapOf(1, functionMessage) });

/** GetMetadata, GetProviderSchema, GetFunctions: what the provider is. */
export function schemaMethods({ engine }: RpcContext<unknown>): Methods {
  let encoded: Uint8Array | undefined;
  return {
    GetMetadata: () => metadata(engine),
    GetProviderSchema: () => (encoded ??= schemas(engine)),
    GetFunctions: () => functionsResponse.encode({ functions: functions(engine) }),
  };
}

function metadata({ provider }: Engine<unknown>): Uint8Array {
  const names = (members: object) => Object.keys(members).map((name) => ({ name }));
  return metadataResponse.encode({
    serverCapabilities: CAPABILITIES,
    dataSources: names(provider.dataSources),
    resources: names(provider.resources),
    functions: names(provider.functions),
    ephemeralResources: names(provider.ephemeralResources),
    listResources: names(provider.listResources),
    actions: names(provider.actions),
  });
}

function schemas(engine: Engine<unknown>): Uint8Array {
  const { provider } = engine;
  return schemaResponse.encode({
    provider: schemaToWire(provider.schema),
    resourceSchemas: mapValues(provider.resources, ({ schema }) => schemaToWire(schema)),
    dataSourceSchemas: mapValues(provider.dataSources, ({ schema }) => schemaToWire(schema)),
    serverCapabilities: CAPABILITIES,
    functions: functions(engine),
    ephemeralResourceSchemas: mapValues(provider.ephemeralResources, ({ schema }) => schemaToWire(schema)),
    listResourceSchemas: mapValues(provider.listResources, ({ schema }) => schemaToWire(schema)),
    actionSchemas: mapValues(provider.actions, ({ schema }) => ({ schema: schemaToWire(schema) })),
  });
}

function functions({ provider }: Engine<unknown>): Record<string, ReturnType<typeof functionToWire>> {
  return mapValues(provider.functions, functionToWire);
}

function mapValues<T, R>(members: Readonly<Record<string, T>>, change: (member: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, change(member)]));
}
