import { schemaType, type ValueObject } from '../../core/index.ts';
import type { StreamMethod } from '../grpc.ts';
import { diagnostic, diagnosticsToWire, dynamicValue, valueFromWire } from '../messages.ts';
import { many, message, one, string } from '../protobuf.ts';
import { attempt, bug, callOf, type Methods, type RpcContext } from './context.ts';

const actionRequest = message({ actionType: one(1, string), config: one(2, dynamicValue) });
const diagnosticsResponse = message({ diagnostics: many(1, diagnostic) });
const event = message({
  progress: one(1, message({ message: one(1, string) })),
  completed: one(2, diagnosticsResponse),
});

/** ValidateActionConfig and PlanAction. */
export function actionMethods(context: RpcContext<unknown>): Methods {
  const { engine } = context;
  return {
    ValidateActionConfig: async (request) => {
      const { actionType = '', config } = actionRequest.decode(request);
      const found = await attempt(
        () => engine.validate(engine.action(actionType), configOf(context, actionType, config)),
        (failed) => failed,
      );
      return diagnosticsResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
    PlanAction: async (request, cancellation) => {
      const { actionType = '', config } = actionRequest.decode(request);
      const found = await attempt(
        () => {
          const value = configOf(context, actionType, config);
          return engine.planAction(actionType, value, callOf(context, cancellation));
        },
        (failed) => failed,
      );
      return diagnosticsResponse.encode({ diagnostics: diagnosticsToWire(found) });
    },
  };
}

/** InvokeAction: what it says on the way, and one event that ends it. */
export function actionStreams(context: RpcContext<unknown>): Readonly<Record<string, StreamMethod>> {
  return {
    InvokeAction: async function* (request, cancellation) {
      const { actionType = '', config } = actionRequest.decode(request);
      const ended = { diagnostics: diagnosticsToWire([]) };
      try {
        const value = configOf(context, actionType, config);
        const call = callOf(context, cancellation);
        for await (const step of context.engine.invoke(actionType, value, call)) {
          if (typeof step === 'string') yield event.encode({ progress: { message: step } });
          else ended.diagnostics.push(...diagnosticsToWire(step));
        }
      } catch (cause) {
        ended.diagnostics.push(...diagnosticsToWire([bug(cause)]));
      }
      yield event.encode({ completed: ended });
    },
  };
}

type Config = ReturnType<typeof dynamicValue.decode> | undefined;

function configOf({ engine }: RpcContext<unknown>, actionType: string, config: Config): ValueObject {
  return valueFromWire(config, schemaType(engine.action(actionType).schema)) as ValueObject;
}
