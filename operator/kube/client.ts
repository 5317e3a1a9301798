/**
 * Requests to the API server: typed, over one shared dispatcher (transport.ts).
 */
import type { Connection } from './config.ts';
import { isKubeError } from './errors.ts';
import { collectionPath, objectPath, type Query } from './paths.ts';
import { apiVersionOf } from './resources.ts';
import { FIELD_MANAGER, Transport, type Call, type ClientOptions } from './transport.ts';
import type { AnyObject, List, Ref, Resource } from './types.ts';
import { openWatch, type WatchOptions } from './watch.ts';

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

export class KubeClient {
  readonly namespace: string;
  readonly #connection: Connection;
  readonly #transport: Transport;

  constructor(connection: Connection, options: ClientOptions = {}, transport?: Transport) {
    this.namespace = connection.namespace;
    this.#connection = connection;
    this.#transport = transport ?? new Transport(connection, options);
  }

  /** The same client, over the same connections, whose writes pass this fence. */
  fenced(fence: () => void): KubeClient {
    return new KubeClient(this.#connection, {}, this.#transport.fenced(fence));
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
    return openWatch(type, options, this.#transport.streams);
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
    const isWrite = method !== 'GET' && !path.includes('reviews');
    return this.#transport.request<T>({
      method,
      path,
      body,
      type,
      sensitive: path.includes('tokenreviews'),
      isVital: false,
      isWrite,
    });
  }

  /** Ends every request and watch at once. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  async #write<T>(type: Resource, method: Call['method'], path: string, parts: Partial<Call>): Promise<T> {
    const query = { fieldManager: method === 'DELETE' ? undefined : FIELD_MANAGER, ...parts.query };
    return this.#call<T>(type, method, path, { ...parts, query });
  }

  #call<T>(type: Resource, method: Call['method'], path: string, parts: Partial<Call>): Promise<T> {
    const { query, body, contentType, signal, isMetadataEnough } = parts;
    const call = { method, path, query, body, contentType, signal, isMetadataEnough };
    const { plural, sensitive, isVital = false } = type;
    const isWrite = method !== 'GET';
    return this.#transport.request<T>({ ...call, type: plural, sensitive, isVital, isWrite });
  }
}

function withType<T extends AnyObject>(type: Resource, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}
