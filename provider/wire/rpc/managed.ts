import {
  isObject,
  schemaType,
  UnknownTypeError,
  type Diagnostic,
  type Resource,
  type Type,
  type Value,
  type ValueObject,
} from '../../core/index.ts';
import { GrpcError, GrpcStatus } from '../grpc.ts';
import {
  attributePath,
  clientCapabilities,
  diagnostic,
  diagnosticsToWire,
  dynamicValue,
  identityData,
  pathToWire,
  valueFromWire,
  valueToWire,
  type DynamicValue,
} from '../messages.ts';
import { bytes, many, message, one, string } from '../protobuf.ts';
import { attempt, callOf, privateFromWire, privateToWire, type Methods, type RpcContext } from './context.ts';
import { identityToWire } from './identity.ts';

const validateRequest = message({
  typeName: one(1, string),
  config: one(2, dynamicValue),
  clientCapabilities: one(3, clientCapabilities),
});
const validateResponse = message({ diagnostics: many(1, diagnostic) });
const readRequest = message({
  typeName: one(1, string),
  currentState: one(2, dynamicValue),
  private: one(3, bytes),
});
const readResponse = message({
  newState: one(1, dynamicValue),
  diagnostics: many(2, diagnostic),
  private: one(3, bytes),
  newIdentity: one(5, identityData),
});
const planRequest = message({
  typeName: one(1, string),
  priorState: one(2, dynamicValue),
  proposedNewState: one(3, dynamicValue),
  config: one(4, dynamicValue),
  priorPrivate: one(5, bytes),
  priorIdentity: one(8, identityData),
});
const planResponse = message({
  plannedState: one(1, dynamicValue),
  requiresReplace: many(2, attributePath),
  plannedPrivate: one(3, bytes),
  diagnostics: many(4, diagnostic),
  plannedIdentity: one(7, identityData),
});
const applyRequest = message({
  typeName: one(1, string),
  priorState: one(2, dynamicValue),
  plannedState: one(3, dynamicValue),
  config: one(4, dynamicValue),
  plannedPrivate: one(5, bytes),
});
const applyResponse = message({
  newState: one(1, dynamicValue),
  private: one(2, bytes),
  diagnostics: many(3, diagnostic),
  newIdentity: one(5, identityData),
});

/** Validate, Read, Plan and ApplyResourceChange: the life of managed resources. */
export function managedMethods(context: RpcContext<unknown>): Methods {
  return {
    ValidateResourceConfig: validateMethod(context),
    ReadResource: readMethod(context),
    PlanResourceChange: planMethod(context),
    ApplyResourceChange: applyMethod(context),
  };
}

function validateMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request) => {
    const { typeName = '', config, clientCapabilities: client } = validateRequest.decode(request);
    const { resource, type } = typed(context, typeName);
    const found = await attempt(
      () => {
        const value = valueFromWire(config, type) as ValueObject;
        const problems = context.engine.validate(resource, value);
        const isAllowed = client?.writeOnlyAttributesAllowed === true;
        return isAllowed ? problems : [...problems, ...context.engine.writeOnlyProblems(resource, value)];
      },
      (failed) => failed,
    );
    return validateResponse.encode({ diagnostics: diagnosticsToWire(found) });
  };
}

function readMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request, cancellation) => {
    const { typeName = '', currentState, private: data } = readRequest.decode(request);
    const { type, resource } = typed(context, typeName);
    const state = valueFromWire(currentState, type);
    if (!isObject(state)) return readResponse.encode({ newState: valueToWire(null, type) });
    const kept = privateFromWire(data);
    const outcome = await attempt(
      () => context.engine.read(typeName, state, kept, callOf(context, cancellation)),
      (diagnostics) => ({ state, private: kept, diagnostics }),
    );
    return readResponse.encode({
      newState: valueToWire(outcome.state, type),
      private: privateToWire(outcome.private),
      diagnostics: diagnosticsToWire(outcome.diagnostics),
      newIdentity: identityToWire(resource, outcome.state),
    });
  };
}

function planMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request, cancellation) => {
    const message = planRequest.decode(request);
    const { typeName = '' } = message;
    const { type, resource } = typed(context, typeName);
    const prior = objectOrNull(valueFromWire(message.priorState, type));
    const proposed = isSame(message.priorState, message.proposedNewState)
      ? prior
      : objectOrNull(valueFromWire(message.proposedNewState, type));
    const config = objectOrNull(valueFromWire(message.config, type));
    const data = privateFromWire(message.priorPrivate);
    const outcome = await attempt(
      () =>
        context.engine.plan(
          typeName,
          { prior, proposed, config, private: data },
          callOf(context, cancellation),
        ),
      (diagnostics) => ({ planned: proposed, replace: [], private: data, diagnostics }),
    );
    const isPrior = prior !== null && outcome.planned === prior;
    return planResponse.encode({
      // Where nothing changes, the answer is what was asked.
      plannedState: isPrior ? message.priorState : valueToWire(outcome.planned, type),
      requiresReplace: outcome.replace.map(pathToWire),
      plannedPrivate: privateToWire(outcome.private),
      diagnostics: diagnosticsToWire(outcome.diagnostics),
      // Identity is for life: where a replacement has another one, Terraform asks again, without a prior state.
      plannedIdentity:
        prior === null
          ? identityToWire(resource, outcome.planned)
          : (message.priorIdentity ?? identityToWire(resource, prior)),
    });
  };
}

function applyMethod(context: RpcContext<unknown>): Methods[string] {
  return async (request, cancellation) => {
    const message = applyRequest.decode(request);
    const { typeName = '' } = message;
    const { type, resource } = typed(context, typeName);
    const prior = objectOrNull(valueFromWire(message.priorState, type));
    const planned = objectOrNull(valueFromWire(message.plannedState, type));
    const config = objectOrNull(valueFromWire(message.config, type));
    const data = privateFromWire(message.plannedPrivate);
    const outcome = await attempt(
      () =>
        context.engine.apply(
          typeName,
          { prior, planned, config, private: data },
          callOf(context, cancellation),
        ),
      (diagnostics: readonly Diagnostic[]) => ({ state: prior, private: data, diagnostics }),
    );
    return applyResponse.encode({
      newState: valueToWire(outcome.state, type),
      private: privateToWire(outcome.private),
      diagnostics: diagnosticsToWire(outcome.diagnostics),
      newIdentity: identityToWire(resource, outcome.state),
    });
  };
}

const types = new WeakMap<object, Type>();

/** The resource with its value type, which is worked out once. */
export function typed(
  { engine }: RpcContext<unknown>,
  typeName: string,
): { resource: Resource<unknown>; type: Type } {
  try {
    const resource = engine.resource(typeName);
    const type = types.get(resource) ?? schemaType(resource.schema);
    types.set(resource, type);
    return { resource, type };
  } catch (cause) {
    if (cause instanceof UnknownTypeError) throw new GrpcError(GrpcStatus.invalidArgument, cause.message);
    throw cause;
  }
}

export function objectOrNull(value: Value): ValueObject | null {
  return isObject(value) ? value : null;
}

/** Where nothing changes, Terraform sends the prior state twice; it is read once. */
function isSame(a: DynamicValue | undefined, b: DynamicValue | undefined): boolean {
  return a?.msgpack !== undefined && b?.msgpack !== undefined && Buffer.compare(a.msgpack, b.msgpack) === 0;
}
