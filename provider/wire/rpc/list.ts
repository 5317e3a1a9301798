import { schemaType, type Found, type ValueObject } from '../../core/index.ts';
import type { StreamMethod } from '../grpc.ts';
import {
  diagnostic,
  diagnosticsToWire,
  dynamicValue,
  identityData,
  valueFromWire,
  valueToWire,
} from '../messages.ts';
import { bool, integer, many, message, one, string } from '../protobuf.ts';
import { attempt, bug, callOf, type Methods, type RpcContext } from './context.ts';
import { identityToWire } from './identity.ts';
import { typed } from './managed.ts';

const validateRequest = message({ typeName: one(1, string), config: one(2, dynamicValue) });
const validateResponse = message({ diagnostics: many(1, diagnostic) });
const listRequest = message({
  typeName: one(1, string),
  config: one(2, dynamicValue),
  includeResourceObject: one(3, bool),
  limit: one(4, integer),
});
const event = message({
  identity: one(1, identityData),
  displayName: one(2, string),
  resourceObject: one(3, dynamicValue),
  diagnostics: many(4, diagnostic),
});

/** ValidateListResourceConfig. */
export function listMethods({ engine }: RpcContext<unknown>): Methods {
  return {
    ValidateListResourceConfig: async (request) => {
      const { typeName = '', config } = validateRequest.decode(request);
      const found = await attempt(
        () => {
          const list = engine.listResource(typeName);
          return engine.validate(list, valueFromWire(config, schemaType(list.schema)) as ValueObject);
        },
        (failed) => failed,
      );
      return validateResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
  };
}

/** ListResource: objects that exist, one event each, as they are found. */
export function listStreams(context: RpcContext<unknown>): Readonly<Record<string, StreamMethod>> {
  const { engine } = context;
  return {
    ListResource: async function* (request, cancellation) {
      const { typeName = '', config, includeResourceObject, limit } = listRequest.decode(request);
      const { resource, type } = typed(context, typeName);
      const toWire = (found: Found) => {
        if ('diagnostics' in found)
          return event.encode({ diagnostics: diagnosticsToWire(found.diagnostics) });
        return event.encode({
          identity: identityToWire(resource, found.state),
          displayName: found.displayName,
          ...(includeResourceObject === true && { resourceObject: valueToWire(found.state, type) }),
        });
      };
      const wanted = limit === undefined || limit <= 0 ? Infinity : limit;
      let count = 0;
      try {
        const query = {
          config: valueFromWire(config, schemaType(engine.listResource(typeName).schema)) as ValueObject,
          limit: wanted,
        };
        for await (const found of engine.list(typeName, query, callOf(context, cancellation))) {
          yield toWire(found);
          count += 1;
          if (count >= wanted) return;
        }
      } catch (cause) {
        yield toWire({ diagnostics: [bug(cause)] });
      }
    },
  };
}
