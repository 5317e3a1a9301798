import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/index.ts';
import { CredentialSource } from './credentials.ts';
import { ApiError, ConnectionError, type StatusBody } from './failure.ts';
import type { KubeObject, ObjectList, ResourcePath, WatchEvent } from './objects.ts';
import type { Connection } from './settings.ts';
import { connectionError, openTransport, type HttpResponse, type Transport } from './transport.ts';

export const FIELD_MANAGER = 'terraform-provider-migosmtp';

const ANSWER_TIMEOUT_MS = 30_000;
const WATCH_SECONDS = 55;
const WATCH_GRACE_MS = 10_000;
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

interface Request {
  readonly method: 'GET' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

/**
 * The few calls of the Kubernetes API that the provider makes. Everything it sends may be sent twice, so cut
 * connections, throttling and passing server errors are tried again.
 */
export class KubeClient {
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

  /** The object, undefined where there is none. */
  async get(path: ResourcePath, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#json<KubeObject>({ method: 'GET', path: urlPath(path) }, signal);
    } catch (cause) {
      if (isMissingObject(cause)) return undefined;
      throw cause;
    }
  }

  list(path: Omit<ResourcePath, 'name'>, query: Query, signal: AbortSignal): Promise<ObjectList> {
    return this.#json<ObjectList>({ method: 'GET', path: urlPath(path, query) }, signal);
  }

  /** Server-side apply of exactly the fields in `object`, in the provider's name. */
  apply(
    path: ResourcePath,
    object: object,
    options: { force: boolean; dryRun?: boolean },
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const query = {
      fieldManager: FIELD_MANAGER,
      fieldValidation: 'Strict',
      ...(options.force && { force: 'true' }),
      ...(options.dryRun && { dryRun: 'All' }),
    };
    const body = JSON.stringify(object);
    const contentType = 'application/apply-patch+yaml';
    return this.#json({ method: 'PATCH', path: urlPath(path, query), body, contentType }, signal);
  }

  /** Removes fields (null) by merge patch; used only where apply leaves remains that nobody owns. */
  merge(path: ResourcePath, patch: object, signal: AbortSignal): Promise<KubeObject> {
    const body = JSON.stringify(patch);
    const contentType = 'application/merge-patch+json';
    const query = { fieldManager: FIELD_MANAGER };
    return this.#json({ method: 'PATCH', path: urlPath(path, query), body, contentType }, signal);
  }

  /** Deletes the object that has this uid; one that is gone, or another of its name, counts as deleted. */
  async delete(path: ResourcePath, uid: string, signal: AbortSignal): Promise<'gone' | 'other' | 'deleting'> {
    const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } });
    const contentType = 'application/json';
    try {
      const answer = await this.#json<KubeObject>(
        { method: 'DELETE', path: urlPath(path), body, contentType },
        signal,
      );
      return answer.kind === 'Status' ? 'gone' : 'deleting';
    } catch (cause) {
      if (isMissingObject(cause)) return 'gone';
      if (cause instanceof ApiError && cause.status === 409) return 'other';
      throw cause;
    }
  }

  /** Changes of one object after a resource version, until the server ends the watch. */
  async *watch(path: ResourcePath, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const { name, ...collection } = path;
    const query = {
      watch: 'true',
      fieldSelector: `metadata.name=${name}`,
      resourceVersion,
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const silence = AbortSignal.timeout(WATCH_SECONDS * 1000 + WATCH_GRACE_MS);
    const request = { method: 'GET', path: urlPath(collection, query) } as const;
    const response = await this.#ok(request, AbortSignal.any([signal, silence]));
    try {
      for await (const line of lines(response.body)) yield JSON.parse(line) as WatchEvent;
    } catch (cause) {
      signal.throwIfAborted();
      if (!silence.aborted) throw connectionError(this.server, cause);
    }
  }

  close(): void {
    void this.#transport?.then((transport) => transport.close()).catch(() => undefined);
  }

  async #json<T>(request: Request, signal: AbortSignal): Promise<T> {
    const response = await this.#ok(request, signal);
    return (await readJson(response)) as T;
  }

  /** An answer of success; refusals are thrown, passing ones after they were tried again. */
  async #ok(request: Request, signal: AbortSignal): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.#try(request, signal);
      if ('body' in failure) return failure;
      const pauseMs = pauseBefore(failure, attempt, () => this.#credentials.renew());
      if (pauseMs === undefined || attempt === ATTEMPTS) throw failure;
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

type Query = Readonly<Record<string, string>>;

function urlPath(path: Omit<ResourcePath, 'name'> & { name?: string }, query: Query = {}): string {
  const root = path.apiVersion.includes('/') ? '/apis' : '/api';
  const namespace = path.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(path.namespace)}`;
  const name = path.name === undefined ? '' : `/${encodeURIComponent(path.name)}`;
  const search = new URLSearchParams(query).toString();
  return `${root}/${path.apiVersion}${namespace}/${path.plural}${name}${search === '' ? '' : `?${search}`}`;
}

/** A 404 that speaks of the object; the one for a kind that is not served has no details. */
function isMissingObject(cause: unknown): boolean {
  return cause instanceof ApiError && cause.status === 404 && cause.reason === 'NotFound';
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

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}
