/**
 * Requests to the API server: typed, over one shared dispatcher.
 *
 * Answers below 400 are parsed; everything else is thrown as a KubeError. 429 is waited out here, because the server
 * has not acted; every other retry belongs to the caller's queue. Writes pass the fence first: a process that has
 * lost its lease writes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { Connection } from './config.ts';
import { errorOfAnswer, errorOfFailure, isKubeError, KubeError } from './errors.ts';
import { collectionPath, objectPath, type Query } from './paths.ts';
import { apiVersionOf } from './resources.ts';
import type { AnyObject, List, Ref, Resource } from './types.ts';
import { openWatch, type WatchOptions } from './watch.ts';

/** Field manager of everything that the operator writes. */
export const FIELD_MANAGER = 'migosmtp-operator';

const JSON_TYPE = 'application/json';
/** Every API server that has custom resources of v1 knows it; one that did not would send the whole object. */
const METADATA = `${JSON_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io,${JSON_TYPE}`;
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const JSON_PATCH = 'application/json-patch+json';

export interface ListOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
}

export interface RequestOptions {
  subresource?: 'status' | 'scale' | undefined;
  signal?: AbortSignal | undefined;
  /** Of the answer only metadata is read: a large object need not be sent back. */
  isMetadataEnough?: boolean | undefined;
}

export interface DeleteOptions {
  /** Delete only this very object. */
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

export interface RequestRecord {
  method: string;
  resource: string;
  status: number;
  seconds: number;
}

export interface ClientOptions {
  /** Called before every write; throws when this process may not write. */
  fence?: () => void;
  onRequest?: (record: RequestRecord) => void;
  timeoutMs?: number;
}

interface Call {
  method: Dispatcher.HttpMethod;
  path: string;
  query?: Query | undefined;
  body?: unknown;
  contentType?: string | undefined;
  type: string;
  sensitive: boolean;
  isVital: boolean;
  signal?: AbortSignal | undefined;
  isMetadataEnough?: boolean | undefined;
}

/** Attempts that a 429 may cost before it is thrown. */
const TRIES = 6;

export class KubeClient {
  readonly namespace: string;
  readonly #connection: Connection;
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly #requests: Agent;
  readonly #watches: Agent;

  constructor(connection: Connection, options: ClientOptions = {}, shared?: KubeClient) {
    this.namespace = connection.namespace;
    this.#connection = connection;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 15_000;
    if (shared !== undefined) {
      this.#requests = shared.#requests;
      this.#watches = shared.#watches;
      return;
    }
    const timeoutMs = this.#timeoutMs;
    const common = {
      connect: { ...connection.tls, timeout: 5_000, keepAlive: true },
      // Node's HTTP/2 costs several times the CPU of HTTP/1.1 over kept connections.
      allowH2: false,
      keepAliveTimeout: 60_000,
      headersTimeout: timeoutMs,
    };
    this.#requests = new Agent({ ...common, connections: 48, bodyTimeout: timeoutMs });
    // Watches hold their connection for minutes: with their own they never starve requests. What is vital goes beside
    // them: a lease that waits behind hundreds of other requests is lost, and the process ends in the middle of a wave.
    this.#watches = new Agent({ ...common, connections: null, bodyTimeout: 0 });
  }

  /** The same client, over the same connections, whose writes pass this fence. */
  fenced(fence: () => void): KubeClient {
    return new KubeClient(this.#connection, { ...this.#options, fence }, this);
  }

  get<T extends AnyObject>(type: Resource<T>, ref: Ref, options: RequestOptions = {}): Promise<T> {
    return this.#call<T>(type, 'GET', objectPath(type, ref, options.subresource), options);
  }

  /** The object, or undefined when there is none. */
  async find<T extends AnyObject>(type: Resource<T>, ref: Ref): Promise<T | undefined> {
    try {
      return await this.get(type, ref);
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** One page. Without resourceVersion, so that it is as new as the write that went before. */
  async list<T extends AnyObject>(type: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const query: Query = {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      limit: options.limit,
      continue: options.continue,
    };
    const page = await this.#call<{ metadata: { resourceVersion: string; continue?: string }; items: T[] }>(
      type,
      'GET',
      collectionPath(type, options.namespace),
      { query },
    );
    return {
      items: page.items ?? [],
      resourceVersion: page.metadata.resourceVersion,
      continue: page.metadata.continue === '' ? undefined : page.metadata.continue,
    };
  }

  watch<T extends AnyObject>(type: Resource<T>, options: WatchOptions): ReturnType<typeof openWatch<T>> {
    return openWatch(type, options, {
      dispatcher: this.#watches,
      origin: this.#connection.server,
      headers: () => this.#headers(),
    });
  }

  /** POST. Exists already: Conflict with reason AlreadyExists. */
  create<T extends AnyObject>(type: Resource<T>, object: T): Promise<T> {
    const path = collectionPath(type, object.metadata.namespace);
    return this.#write<T>(type, 'POST', path, { body: withType(type, object) });
  }

  /** PUT; with metadata.resourceVersion it replaces that version only. */
  replace<T extends AnyObject>(type: Resource<T>, object: T, options: RequestOptions = {}): Promise<T> {
    const path = objectPath(type, object.metadata, options.subresource);
    const { signal, isMetadataEnough } = options;
    return this.#write<T>(type, 'PUT', path, { body: withType(type, object), signal, isMetadataEnough });
  }

  /** JSON merge patch: null removes; metadata.resourceVersion in it makes it conditional. */
  merge<T extends AnyObject>(
    type: Resource<T>,
    ref: Ref,
    patch: object,
    options: RequestOptions = {},
  ): Promise<T> {
    const path = objectPath(type, ref, options.subresource);
    return this.#write<T>(type, 'PATCH', path, { body: patch, contentType: MERGE, signal: options.signal });
  }

  jsonPatch<T extends AnyObject>(type: Resource<T>, ref: Ref, patch: object[]): Promise<T> {
    return this.#write<T>(type, 'PATCH', objectPath(type, ref), { body: patch, contentType: JSON_PATCH });
  }

  /** Server-side apply. Force only for objects that the operator created. */
  apply<T extends AnyObject>(type: Resource<T>, object: T, options: { force?: boolean } = {}): Promise<T> {
    return this.#write<T>(type, 'PATCH', objectPath(type, object.metadata), {
      body: withType(type, object),
      contentType: APPLY,
      query: { force: options.force === true ? 'true' : undefined },
    });
  }

  /** Deletes; true when it was there. */
  async remove(type: Resource, ref: Ref, options: DeleteOptions = {}): Promise<boolean> {
    const preconditions = { uid: options.uid, resourceVersion: options.resourceVersion };
    const body = { preconditions, propagationPolicy: options.propagation ?? 'Background' };
    try {
      await this.#write(type, 'DELETE', objectPath(type, ref), { body });
      return true;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return false;
      throw error;
    }
  }

  /** Anything else: `/version`, `/apis`, reviews. `type` names it in metrics. */
  async raw<T>(method: 'GET' | 'POST', path: string, type: string, body?: unknown): Promise<T> {
    if (method !== 'GET' && !path.includes('reviews')) this.#options.fence?.();
    return this.#request<T>({
      method,
      path,
      body,
      type,
      sensitive: path.includes('tokenreviews'),
      isVital: false,
    });
  }

  /** Ends every request and watch at once. */
  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()]);
  }

  async #write<T>(type: Resource, method: Call['method'], path: string, parts: Partial<Call>): Promise<T> {
    this.#options.fence?.();
    const query = { fieldManager: method === 'DELETE' ? undefined : FIELD_MANAGER, ...parts.query };
    return this.#call<T>(type, method, path, { ...parts, query });
  }

  #call<T>(type: Resource, method: Call['method'], path: string, parts: Partial<Call>): Promise<T> {
    const { query, body, contentType, signal, isMetadataEnough } = parts;
    const call = { method, path, query, body, contentType, signal, isMetadataEnough };
    const { plural, sensitive, isVital = false } = type;
    return this.#request<T>({ ...call, type: plural, sensitive, isVital });
  }

  async #request<T>(call: Call): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt<T>(call);
      } catch (error) {
        const isThrottled = error instanceof KubeError && error.status === 429;
        if (!isThrottled || attempt === TRIES) throw error;
        await sleep(error.retryAfterMs ?? 250 * attempt, undefined, {
          ...(call.signal && { signal: call.signal }),
        });
        if (call.method !== 'GET') this.#options.fence?.();
      }
    }
  }

  async #attempt<T>(call: Call): Promise<T> {
    const startedAt = performance.now();
    let status = 0;
    try {
      const answer = await (call.isVital ? this.#watches : this.#requests).request({
        origin: this.#connection.server,
        path: withQuery(call.path, call.query),
        method: call.method,
        headers: this.#headers(call),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        ...(call.signal ? { signal: call.signal } : {}),
        ...(call.isVital ? { bodyTimeout: this.#timeoutMs } : {}),
      });
      status = answer.statusCode;
      const text = await answer.body.text();
      if (status >= 400) {
        throw errorOfAnswer(call, status, text, headerOf(answer.headers['retry-after']));
      }
      return JSON.parse(text) as T;
    } catch (error) {
      throw error instanceof KubeError ? error : errorOfFailure(call, error);
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      this.#options.onRequest?.({ method: call.method, resource: call.type, status, seconds });
    }
  }

  #headers(call?: Call): Record<string, string> {
    const contentType = call?.body === undefined ? undefined : (call.contentType ?? JSON_TYPE);
    const headers: Record<string, string> = {
      accept: call?.isMetadataEnough === true ? METADATA : JSON_TYPE,
      'user-agent': FIELD_MANAGER,
    };
    const authorization = this.#connection.authorization();
    if (authorization !== undefined) headers['authorization'] = authorization;
    if (contentType !== undefined) headers['content-type'] = contentType;
    return headers;
  }
}

function withType<T extends AnyObject>(type: Resource, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

export function withQuery(path: string, query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
