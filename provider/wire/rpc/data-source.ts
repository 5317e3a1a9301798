import { error, schemaType, type ValueObject } from '../../core/index.ts';
import { diagnostic, diagnosticsToWire, dynamicValue, valueFromWire, valueToWire } from '../messages.ts';
import { many, message, one, string } from '../protobuf.ts';
import { attempt, callOf, type Methods, type RpcContext } from './context.ts';

const validateRequest = message({ typeName: one(1, string), config: one(2, dynamicValue) });
const validateResponse = message({ diagnostics: many(1, diagnostic) });
const readRequest = message({ typeName: one(1, string), config: one(2, dynamicValue) });
const readResponse = message({ state: one(1, dynamicValue), diagnostics: many(2, diagnostic) });

/** ValidateDataResourceConfig and ReadDataSource. */
export function dataSourceMethods(context: RpcContext<unknown>): Methods {
  const { engine } = context;
  return {
    ValidateDataResourceConfig: async (request) => {
      const { typeName = '', config } = validateRequest.decode(request);
      const found = await attempt(
        () => {
          const source = engine.dataSource(typeName);
          return engine.validate(source, valueFromWire(config, schemaType(source.schema)) as ValueObject);
        },
        (failed) => failed,
      );
      return validateResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
    ReadDataSource: async (request, cancellation) => {
      const { typeName = '', config } = readRequest.decode(request);
      const response = await attempt(
        async () => {
          const type = schemaType(engine.dataSource(typeName).schema);
          const value = valueFromWire(config, type) as ValueObject;
          const { state, diagnostics = [] } = await engine.readData(
            typeName,
            value,
            callOf(context, cancellation),
          );
          const missing = state || diagnostics.length > 0 ? [] : [notFound(typeName)];
          return { state: valueToWire(state ?? null, type), diagnostics: [...diagnostics, ...missing] };
        },
        (diagnostics) => ({ diagnostics }),
      );
      return readResponse.encode({ ...response, diagnostics: diagnosticsToWire(response.diagnostics) });
    },
  };
}

function notFound(typeName: string) {
  return error('Object not found', `The object that data source ${typeName} names does not exist.`);
}
