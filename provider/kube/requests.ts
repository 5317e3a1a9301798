import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/index.ts';
import { CredentialSource, impersonationHeaders } from './credentials.ts';
import { ApiError, ConnectionError, type StatusBody } from './failure.ts';
import type { Connection } from './settings.ts';
import { connectionError, openTransport, type HttpResponse, type Transport } from './transport.ts';

/** The name under which fields are owned, and that the API server logs. */
export const FIELD_MANAGER = 'terraform-provider-migosmtp';

const ANSWER_TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

export interface Request {
  readonly method: 'GET' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** Not to be tried again. */
  readonly once?: boolean;
}

/**
 * Requests to one API server over one connection. Everything that is sent here may be sent twice, so cut
 * connections, throttling and passing server errors are tried again.
 */
export class Requests {
  readonly #connection: Connection;
  readonly #credentials: CredentialSource;
  readonly #log: Log;
  #transport: Promise<Transport> | undefined;

  constructor(connection: Connection, log: Log) {
    this.#connection = connection;
    this.#credentials = new CredentialSource(connection);
    this.#log = log;
  }

  get server(): string {
    return this.#connection.server;
  }

  close(): void {
    void this.#transport?.then((transport) => transport.close()).catch(() => undefined);
  }

  async json<T>(request: Request, signal: AbortSignal): Promise<T> {
    const response = await this.ok(request, signal);
    return (await readJson(response)) as T;
  }

  /** An answer of success; refusals are thrown, passing ones after they were tried again. */
  async ok(request: Request, signal: AbortSignal): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.#try(request, signal);
      if ('body' in failure) return failure;
      const pauseMs = pauseBefore(failure, attempt, () => this.#credentials.renew());
      if (pauseMs === undefined || request.once || attempt === ATTEMPTS) throw failure;
      this.#log('debug', 'request is repeated', {
        method: request.method,
        path: request.path,
        pause_ms: pauseMs,
      });
      if (failure instanceof ApiError && failure.status === 401) this.#drop();
      await delay(pauseMs, undefined, { signal });
    }
  }

  async #try(request: Request, signal: AbortSignal): Promise<HttpResponse | ApiError | ConnectionError> {
    const started = performance.now();
    try {
      const response = await this.#send(request, signal);
      const { method, path } = request;
      const ms = Math.round(performance.now() - started);
      this.#log('debug', 'kubernetes request', { method, path, status: response.status, ms });
      if (response.status < 300) return response;
      return new ApiError(response.status, await readStatus(response), retryAfterMs(response));
    } catch (cause) {
      if (cause instanceof ConnectionError) return cause;
      throw cause;
    }
  }

  async #send(request: Request, signal: AbortSignal): Promise<HttpResponse> {
    const { authorization, ...identity } = await this.#credentials.current(signal);
    this.#transport ??= openTransport(this.#connection, identity);
    const opening = this.#transport;
    const transport = await opening.catch((cause: unknown) => {
      if (this.#transport === opening) this.#transport = undefined;
      throw cause;
    });
    const { method, path, body, contentType } = request;
    const headers = {
      accept: 'application/json',
      'user-agent': FIELD_MANAGER,
      ...impersonationHeaders(this.#connection),
      ...(authorization && { authorization }),
      ...(contentType && { 'content-type': contentType }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    };
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(connectionError(this.server, { code: 'ETIMEDOUT' })),
      ANSWER_TIMEOUT_MS,
    );
    try {
      const both = AbortSignal.any([signal, deadline.signal]);
      return await transport.send({
        method,
        path,
        headers,
        ...(body !== undefined && { body }),
        signal: both,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #drop(): void {
    this.close();
    this.#transport = undefined;
  }
}

function pauseBefore(
  failure: ApiError | ConnectionError,
  attempt: number,
  renew: () => boolean,
): number | undefined {
  const backoffMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  if (failure instanceof ConnectionError) return PASSING_CODES.has(failure.code) ? backoffMs : undefined;
  if (failure.status === 401 && attempt === 1) return renew() ? 0 : undefined;
  if (failure.status === 429) return Math.min(failure.retryAfterMs ?? backoffMs, LONGEST_PAUSE_MS);
  return PASSING_STATUS.has(failure.status) ? backoffMs : undefined;
}

const PASSING_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'ECONNREFUSED']);
const PASSING_STATUS: ReadonlySet<number> = new Set([500, 502, 503, 504]);

function retryAfterMs({ retryAfter }: HttpResponse): number | undefined {
  const seconds = Number(retryAfter);
  return retryAfter === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000;
}

async function readText({ body }: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function readJson(response: HttpResponse): Promise<unknown> {
  const text = await readText(response);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the text, which may be a Secret.
    throw new ApiError(response.status, {
      message: 'the answer is not JSON: is this a Kubernetes API server?',
    });
  }
}

async function readStatus(response: HttpResponse): Promise<StatusBody> {
  const text = await readText(response).catch(() => '');
  try {
    return JSON.parse(text) as StatusBody;
  } catch {
    return {};
  }
}
