import type * as http2 from 'node:http2';

/** gRPC over one http2 server: unary calls, and streams that stay open and silent. */
export interface GrpcService {
  /** By full path, `/tfplugin6.Provider/GetMetadata`. */
  readonly unary: ReadonlyMap<string, UnaryMethod>;
  /** Calls that answer with any number of messages. */
  readonly streaming: ReadonlyMap<string, StreamMethod>;
  readonly silentStreams: ReadonlySet<string>;
}

export type UnaryMethod = (
  request: Uint8Array,
  cancellation: Cancellation,
) => Promise<Uint8Array> | Uint8Array;

export type StreamMethod = (request: Uint8Array, cancellation: Cancellation) => AsyncIterable<Uint8Array>;

/** Whether the caller has gone; a signal is made for those calls only that want one, as it costs time. */
export class Cancellation {
  #controller: AbortController | undefined;
  #isCancelled = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isCancelled) this.cancel();
    return this.#controller.signal;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#controller?.abort(CALLER_GONE);
  }
}

/** One for all: a fresh one would take a stack trace each time. */
const CALLER_GONE = new Error('the caller has gone');

export const GrpcStatus = { ok: 0, invalidArgument: 3, unimplemented: 12, internal: 13 } as const;

/** An error that reaches Terraform as a gRPC status; its message is shown to the user. */
export class GrpcError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const FRAME_HEADER_BYTES = 5;
const MAX_REQUEST_BYTES = 256 * 2 ** 20;
const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };

/** Serves calls that arrive on the server; `onFailure` hears of errors that are no GrpcError. */
export function serveGrpc(
  server: http2.Http2Server,
  service: GrpcService,
  onFailure: (cause: unknown) => void,
): void {
  server.on('stream', (stream, headers) => {
    const path = headers[':path'] ?? '';
    stream.on('error', () => stream.destroy());
    if (service.silentStreams.has(path)) {
      stream.respond(HEADERS);
      stream.resume();
      return;
    }
    const streaming = service.streaming.get(path);
    const answering = streaming
      ? answerMany(stream, streaming)
      : answer(stream, service.unary.get(path), path);
    answering.catch((cause: unknown) => {
      if (!(cause instanceof GrpcError)) onFailure(cause);
      fail(stream, cause);
    });
  });
}

async function answer(
  stream: http2.ServerHttp2Stream,
  method: UnaryMethod | undefined,
  path: string,
): Promise<void> {
  if (method === undefined) throw new GrpcError(GrpcStatus.unimplemented, `unknown method ${path}`);
  const cancellation = new Cancellation();
  stream.once('close', () => cancellation.cancel());
  const response = await method(await readMessage(stream), cancellation);
  if (stream.destroyed) return;
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(GrpcStatus.ok) }));
  stream.end(framed(response));
}

/** Messages go out one by one, no faster than the client takes them; a failure in between ends as a status. */
async function answerMany(stream: http2.ServerHttp2Stream, method: StreamMethod): Promise<void> {
  const cancellation = new Cancellation();
  const gone = once(stream, 'close');
  stream.once('close', () => cancellation.cancel());
  const request = await readMessage(stream);
  let status: number = GrpcStatus.ok;
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
  try {
    for await (const response of method(request, cancellation)) {
      if (stream.destroyed) return;
      if (!stream.write(framed(response))) await Promise.race([once(stream, 'drain'), gone]);
    }
  } catch (cause) {
    status = cause instanceof GrpcError ? cause.status : GrpcStatus.internal;
    throw cause;
  } finally {
    if (!stream.destroyed) stream.end();
  }
}

function once(stream: http2.ServerHttp2Stream, event: 'close' | 'drain'): Promise<void> {
  return new Promise((resolve) => stream.once(event, () => resolve()));
}

function framed(response: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(response.length, 1);
  return Buffer.concat([header, response]);
}

function readMessage(stream: http2.ServerHttp2Stream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) reject(new GrpcError(GrpcStatus.invalidArgument, 'request too large'));
      else chunks.push(chunk);
    });
    stream.once('error', reject);
    stream.once('end', () => {
      const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      if (body.length >= FRAME_HEADER_BYTES && body[0] === 0) {
        resolve(body.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + body.readUInt32BE(1)));
      } else reject(new GrpcError(GrpcStatus.unimplemented, 'compressed or empty request'));
    });
  });
}

function fail(stream: http2.ServerHttp2Stream, cause: unknown): void {
  if (stream.destroyed || stream.headersSent) return;
  const status = cause instanceof GrpcError ? cause.status : GrpcStatus.internal;
  const text = cause instanceof GrpcError ? cause.message : 'the provider failed; its log says where';
  stream.respond(
    { ...HEADERS, 'grpc-status': String(status), 'grpc-message': encodeURIComponent(text) },
    { endStream: true },
  );
}
