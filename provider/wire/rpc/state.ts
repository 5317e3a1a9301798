import {
  configFromState,
  error,
  isObject,
  type Diagnostic,
  type JsonObject,
  type Value,
} from '../../core/index.ts';
import { fromJson, parseJsonObject } from '../json-codec.ts';
import {
  diagnostic,
  diagnosticsToWire,
  dynamicValue,
  identityData,
  rawState,
  valueFromWire,
  valueToWire,
} from '../messages.ts';
import { bytes, integer, many, message, one, string } from '../protobuf.ts';
import { attempt, privateToWire, type Methods, type RpcContext } from './context.ts';
import { identityFromWire, identityToWire } from './identity.ts';
import { typed } from './managed.ts';

const upgradeRequest = message({
  typeName: one(1, string),
  version: one(2, integer),
  rawState: one(3, rawState),
});
const upgradeResponse = message({ upgradedState: one(1, dynamicValue), diagnostics: many(2, diagnostic) });
const importRequest = message({
  typeName: one(1, string),
  id: one(2, string),
  identity: one(4, identityData),
});
const imported = message({
  typeName: one(1, string),
  state: one(2, dynamicValue),
  private: one(3, bytes),
  identity: one(4, identityData),
});
const importResponse = message({ importedResources: many(1, imported), diagnostics: many(2, diagnostic) });
const moveRequest = message({
  sourceProviderAddress: one(1, string),
  sourceTypeName: one(2, string),
  sourceSchemaVersion: one(3, integer),
  sourceState: one(4, rawState),
  targetTypeName: one(5, string),
});
const moveResponse = message({
  targetState: one(1, dynamicValue),
  diagnostics: many(2, diagnostic),
  targetIdentity: one(4, identityData),
});
const generateRequest = message({ typeName: one(1, string), state: one(2, dynamicValue) });
const generateResponse = message({ config: one(1, dynamicValue), diagnostics: many(2, diagnostic) });

/**
 * UpgradeResourceState, ImportResourceState, MoveResourceState, GenerateResourceConfig: state that comes from
 * elsewhere, and configuration that comes from state.
 */
export function stateMethods(context: RpcContext<unknown>): Methods {
  return {
    UpgradeResourceState: upgradeMethod(context),
    ImportResourceState: importMethod(context),
    MoveResourceState: moveMethod(context),
    GenerateResourceConfig: generateMethod(context),
  };
}

/** Comes for every instance in the state, also when the version is the present one. */
function upgradeMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const { typeName = '', version = 0, rawState: raw } = upgradeRequest.decode(request);
    const { type, resource } = typed(context, typeName);
    const response = await attempt<{ state?: Value; diagnostics: Diagnostic[] }>(
      () => {
        if (version > resource.schema.version) return { diagnostics: [tooNew(typeName)] };
        const state = context.engine.upgrade(
          typeName,
          version,
          parseJsonObject(raw?.json ?? new Uint8Array()),
        );
        return { state: fromJson(state, type), diagnostics: [] };
      },
      (diagnostics) => ({ diagnostics }),
    );
    return upgradeResponse.encode({
      ...(response.state !== undefined && { upgradedState: valueToWire(response.state, type) }),
      diagnostics: diagnosticsToWire(response.diagnostics),
    });
  };
}

function importMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const { typeName = '', id = '', identity } = importRequest.decode(request);
    const { type, resource } = typed(context, typeName);
    const outcome = await attempt(
      () => {
        const known = id === '' ? identityFromWire(resource, identity) : undefined;
        const wanted = known && resource.identity ? resource.identity.importId(known) : id;
        return context.engine.import(typeName, wanted);
      },
      (diagnostics) => ({ diagnostics }),
    );
    const { state } = outcome;
    const found = state
      ? [
          {
            typeName,
            state: valueToWire(state, type),
            private: privateToWire(outcome.private ?? {}),
            identity: identityToWire(resource, state),
          },
        ]
      : [];
    return importResponse.encode({
      importedResources: found,
      diagnostics: diagnosticsToWire(outcome.diagnostics ?? []),
    });
  };
}

function moveMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const message = moveRequest.decode(request);
    const { targetTypeName = '' } = message;
    const { type, resource } = typed(context, targetTypeName);
    const moved = await attempt<JsonObject | undefined>(
      () =>
        context.engine.move(targetTypeName, {
          provider: message.sourceProviderAddress ?? '',
          type: message.sourceTypeName ?? '',
          schemaVersion: message.sourceSchemaVersion ?? 0,
          state: parseJsonObject(message.sourceState?.json ?? new Uint8Array()),
        }),
      () => undefined,
    );
    if (moved !== undefined) {
      const state = fromJson(moved, type);
      return moveResponse.encode({
        targetState: valueToWire(state, type),
        targetIdentity: identityToWire(resource, state),
      });
    }
    const detail = `${targetTypeName} cannot take over the state of ${message.sourceTypeName ?? '?'} from ${message.sourceProviderAddress ?? '?'}. Use a removed block for the old address and an import block for the new one.`;
    return moveResponse.encode({ diagnostics: diagnosticsToWire([error('Move is not supported', detail)]) });
  };
}

function generateMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const { typeName = '', state } = generateRequest.decode(request);
    const { type, resource } = typed(context, typeName);
    const response = await attempt(
      () => {
        const value = valueFromWire(state, type);
        const config = isObject(value) ? configFromState(resource.schema, value) : null;
        return { config: valueToWire(config, type), diagnostics: [] };
      },
      (diagnostics) => ({ diagnostics }),
    );
    return generateResponse.encode({ ...response, diagnostics: diagnosticsToWire(response.diagnostics) });
  };
}

function tooNew(typeName: string) {
  return error(
    'State is of a later provider',
    `The state of ${typeName} was written by a later release of this provider. Use that release or a later one.`,
  );
}
