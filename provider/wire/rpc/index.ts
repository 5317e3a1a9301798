/**
 * The RPCs of tfplugin6.Provider, one file per family: bytes to values, the engine, values to bytes.
 * Flow: grpc.ts hands a request to a method here; what an operation throws becomes a diagnostic.
 * Limits: translation only. Protocol 6.8; a later RPC is answered as unimplemented.
 */
import type { UnaryMethod } from '../grpc.ts';
import type { Methods, RpcContext } from './context.ts';
import { dataSourceMethods } from './data-source.ts';
import { ephemeralMethods } from './ephemeral.ts';
import { functionMethods } from './functions.ts';
import { managedMethods } from './managed.ts';
import { providerMethods } from './provider.ts';
import { schemaMethods } from './schema.ts';
import { stateMethods } from './state.ts';

export type { RpcContext } from './context.ts';

/** Every method by its gRPC path. */
export function providerService(context: RpcContext<unknown>, stop: () => void): Map<string, UnaryMethod> {
  const methods: Methods = {
    ...schemaMethods(context),
    ...providerMethods(context, stop),
    ...managedMethods(context),
    ...stateMethods(context),
    ...dataSourceMethods(context),
    ...ephemeralMethods(context),
    ...functionMethods(context),
  };
  return new Map(Object.entries(methods).map(([name, method]) => [`/tfplugin6.Provider/${name}`, method]));
}
