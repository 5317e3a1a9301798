import {
  error,
  UnknownTypeError,
  type Call,
  type Diagnostic,
  type Engine,
  type Log,
  type PrivateState,
} from '../../core/index.ts';
import { codePlaces } from '../code-places.ts';
import { GrpcError, GrpcStatus, type Cancellation, type UnaryMethod } from '../grpc.ts';
import { MalformedError } from '../msgpack.ts';
import { parseJsonObject } from '../json-codec.ts';

/** What every RPC family needs: the engine, and how to make a call of it. */
export interface RpcContext<Client> {
  readonly engine: Engine<Client>;
  readonly log: Log;
  /** Aborted by StopProvider. */
  readonly stopped: AbortSignal;
}

export type Methods = Readonly<Record<string, UnaryMethod>>;

export function callOf(context: RpcContext<unknown>, cancellation: Cancellation): Call {
  let signal: AbortSignal | undefined;
  return {
    // Made for operations that wait for something; most plans do not.
    get signal() {
      signal ??= AbortSignal.any([cancellation.signal, context.stopped]);
      return signal;
    },
    log: context.log,
  };
}

/**
 * Runs an operation; what it throws becomes a diagnostic. A thrown message may quote what was being handled, so
 * only the kind of error and the places in the code are told.
 */
export async function attempt<T>(
  operation: () => Promise<T> | T,
  whenFailed: (diagnostics: Diagnostic[]) => T,
): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof UnknownTypeError) throw new GrpcError(GrpcStatus.invalidArgument, cause.message);
    return whenFailed([bug(cause)]);
  }
}

export function bug(cause: unknown): Diagnostic {
  if (cause instanceof MalformedError) {
    return error(
      'Terraform and provider disagree',
      `A value could not be read: ${cause.message}. This is a bug in the provider; please report it.`,
    );
  }
  const kind = cause instanceof Error ? cause.name : typeof cause;
  return error(
    'Bug in the provider',
    `${kind} in the provider; please report it with these lines.\n${codePlaces(cause)}`,
  );
}

/** Absent where there is none: Terraform takes empty bytes for another state than none, and tells of drift. */
export function privateToWire(data: PrivateState): Uint8Array | undefined {
  return Object.keys(data).length === 0 ? undefined : Buffer.from(JSON.stringify(data));
}

export function privateFromWire(data: Uint8Array | undefined): PrivateState {
  return data?.length ? (parseJsonObject(data) as PrivateState) : {};
}
