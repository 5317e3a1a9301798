import { type ProviderFunction, tellName } from '../../core/index.ts';
import { GrpcError, GrpcStatus } from '../grpc.ts';
import { dynamicValue, functionError, valueFromWire, valueToWire } from '../messages.ts';
import { many, message, one, string } from '../protobuf.ts';
import type { Methods, RpcContext } from './context.ts';

const callRequest = message({ name: one(1, string), arguments: many(2, dynamicValue) });
const callResponse = message({ result: one(1, dynamicValue), error: one(2, functionError) });

/** CallFunction. Arguments are wholly known: Terraform asks only then. */
export function functionMethods({ engine }: RpcContext<unknown>): Methods {
  return {
    CallFunction: (request) => {
      const { name = '', arguments: args = [] } = callRequest.decode(request);
      const { functions } = engine.provider;
      const definition = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (!definition) throw new GrpcError(GrpcStatus.invalidArgument, `unknown function ${tellName(name)}`);
      const values = args.map((wire, index) => valueFromWire(wire, parameterType(definition, index)));
      const outcome = definition.call(values);
      if ('result' in outcome) {
        return callResponse.encode({ result: valueToWire(outcome.result, definition.returns) });
      }
      const { error: text, argument } = outcome;
      return callResponse.encode({ error: { text, functionArgument: argument } });
    },
  };
}

function parameterType(definition: ProviderFunction, index: number) {
  return (definition.parameters[index] ?? definition.variadic)?.type ?? 'dynamic';
}
