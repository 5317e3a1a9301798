import { isObject, object, schemaType, type Value, type ValueObject } from '../../core/index.ts';
import { diagnostic, diagnosticsToWire, dynamicValue, valueFromWire } from '../messages.ts';
import { many, message, one, string } from '../protobuf.ts';
import { attempt, callOf, type Methods, type RpcContext } from './context.ts';

const validateRequest = message({ config: one(1, dynamicValue) });
const validateResponse = message({ diagnostics: many(2, diagnostic) });
const configureRequest = message({ terraformVersion: one(1, string), config: one(2, dynamicValue) });
const configureResponse = message({ diagnostics: many(1, diagnostic) });
const stopResponse = message({ error: one(1, string) });

/** ValidateProviderConfig, ConfigureProvider, StopProvider: the provider block, and the end. */
export function providerMethods(context: RpcContext<unknown>, stop: () => void): Methods {
  const { engine, log } = context;
  const type = schemaType(engine.provider.schema);
  return {
    ValidateProviderConfig: async (request) => {
      const { config } = validateRequest.decode(request);
      const found = await attempt(
        () => engine.validateProvider(whole(valueFromWire(config, type))),
        (failed) => failed,
      );
      return validateResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
    ConfigureProvider: async (request, cancellation) => {
      const { config, terraformVersion } = configureRequest.decode(request);
      log('debug', 'configure', { terraform_version: terraformVersion });
      const found = await attempt(
        () => engine.configure(whole(valueFromWire(config, type)), callOf(context, cancellation)),
        (failed) => failed,
      );
      return configureResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
    StopProvider: () => {
      log('info', 'stop requested: calls in flight are cancelled');
      stop();
      return stopResponse.encode({});
    },
  };
}

/** A configuration that is null as a whole has no attribute set. */
function whole(value: Value): ValueObject {
  return isObject(value) ? value : object();
}
