/**
 * The RPCs of tfplugin6.Provider, one file per family: bytes to values, the engine, values to bytes.
 * Flow: grpc.ts hands a request to a method here; what an operation throws becomes a diagnostic.
 * Limits: translation only. Protocol 6.10 without state stores; any other RPC is answered as unimplemented, and a
 * client of an older release skips what it does not know.
 */
import type { StreamMethod, UnaryMethod } from '../grpc.ts';
import { actionMethods, actionStreams } from './action.ts';
import type { Methods, RpcContext } from './context.ts';
import { dataSourceMethods } from './data-source.ts';
import { ephemeralMethods } from './ephemeral.ts';
import { functionMethods } from './functions.ts';
import { identityMethods } from './identity.ts';
import { listMethods, listStreams } from './list.ts';
import { managedMethods } from './managed.ts';
import { providerMethods } from './provider.ts';
import { schemaMethods } from './schema.ts';
import { stateMethods } from './state.ts';

export type { RpcContext } from './context.ts';

export interface ProviderService {
  readonly unary: ReadonlyMap<string, UnaryMethod>;
  readonly streaming: ReadonlyMap<string, StreamMethod>;
}

/** Every method by its gRPC path. */
export function providerService(context: RpcContext<unknown>, stop: () => void): ProviderService {
  const unary: Methods = {
    ...schemaMethods(context),
    ...providerMethods(context, stop),
    ...identityMethods(context),
    ...managedMethods(context),
    ...stateMethods(context),
    ...dataSourceMethods(context),
    ...ephemeralMethods(context),
    ...listMethods(context),
    ...actionMethods(context),
    ...functionMethods(context),
  };
  const streaming = { ...listStreams(context), ...actionStreams(context) };
  return { unary: byPath(unary), streaming: byPath(streaming) };
}

function byPath<T>(methods: Readonly<Record<string, T>>): Map<string, T> {
  return new Map(Object.entries(methods).map(([name, method]) => [`/tfplugin6.Provider/${name}`, method]));
}
