import { schemaType, type ValueObject } from '../../core/index.ts';
import {
  diagnostic,
  diagnosticsToWire,
  dynamicValue,
  timestamp,
  valueFromWire,
  valueToWire,
} from '../messages.ts';
import { bytes, many, message, one, string } from '../protobuf.ts';
import { attempt, callOf, privateFromWire, privateToWire, type Methods, type RpcContext } from './context.ts';

const configRequest = message({ typeName: one(1, string), config: one(2, dynamicValue) });
const dataRequest = message({ typeName: one(1, string), private: one(2, bytes) });
const diagnosticsResponse = message({ diagnostics: many(1, diagnostic) });
const openResponse = message({
  diagnostics: many(1, diagnostic),
  renewAt: one(2, timestamp),
  result: one(3, dynamicValue),
  private: one(4, bytes),
});
const renewResponse = message({
  diagnostics: many(1, diagnostic),
  renewAt: one(2, timestamp),
  private: one(3, bytes),
});

/** Validate, Open, Renew and CloseEphemeralResource: values that live for one command only. */
export function ephemeralMethods(context: RpcContext<unknown>): Methods {
  return {
    ValidateEphemeralResourceConfig: validateMethod(context),
    OpenEphemeralResource: openMethod(context),
    RenewEphemeralResource: renewMethod(context),
    CloseEphemeralResource: closeMethod(context),
  };
}

function validateMethod({ engine }: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const { typeName = '', config } = configRequest.decode(request);
    const found = await attempt(
      () => {
        const ephemeral = engine.ephemeral(typeName);
        return engine.validate(ephemeral, valueFromWire(config, schemaType(ephemeral.schema)) as ValueObject);
      },
      (failed) => failed,
    );
    return diagnosticsResponse.encode({ diagnostics: diagnosticsToWire(found) });
  };
}

function openMethod(context: RpcContext<unknown>): Methods[string] {
  const { engine } = context;
  return async (request, cancellation) => {
    const { typeName = '', config } = configRequest.decode(request);
    const response = await attempt(
      async () => {
        const type = schemaType(engine.ephemeral(typeName).schema);
        const value = valueFromWire(config, type) as ValueObject;
        const opened = await engine.open(typeName, value, callOf(context, cancellation));
        return {
          diagnostics: opened.diagnostics ?? [],
          ...(opened.result && { result: valueToWire(opened.result, type) }),
          ...(opened.renewAtMs !== undefined && { renewAt: toTimestamp(opened.renewAtMs) }),
          private: privateToWire(opened.private ?? {}),
        };
      },
      (diagnostics) => ({ diagnostics, private: new Uint8Array() }),
    );
    return openResponse.encode({ ...response, diagnostics: diagnosticsToWire(response.diagnostics) });
  };
}

function renewMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request, cancellation) => {
    const { typeName = '', private: data } = dataRequest.decode(request);
    const kept = privateFromWire(data);
    const renewed = await attempt(
      () => context.engine.renew(typeName, kept, callOf(context, cancellation)),
      (diagnostics) => ({ diagnostics }),
    );
    return renewResponse.encode({
      diagnostics: diagnosticsToWire(renewed.diagnostics ?? []),
      ...(renewed.renewAtMs !== undefined && { renewAt: toTimestamp(renewed.renewAtMs) }),
      private: privateToWire(renewed.private ?? kept),
    });
  };
}

function closeMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request, cancellation) => {
    const { typeName = '', private: data } = dataRequest.decode(request);
    const found = await attempt(
      () => context.engine.close(typeName, privateFromWire(data), callOf(context, cancellation)),
      (failed) => failed,
    );
    return diagnosticsResponse.encode({ diagnostics: diagnosticsToWire(found) });
  };
}

function toTimestamp(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}
