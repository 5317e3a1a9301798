import type { Log } from '../core/index.ts';
import { ApiError } from './failure.ts';
import type { KubeObject, ObjectList, ResourcePath, WatchEvent } from './objects.ts';
import { FIELD_MANAGER, Requests } from './requests.ts';
import type { Connection } from './settings.ts';
import { SharedReads } from './shared-reads.ts';
import { connectionError } from './transport.ts';

const WATCH_SECONDS = 55;
const WATCH_GRACE_MS = 10_000;

/** The few calls of the Kubernetes API that the provider makes. */
export class KubeClient {
  readonly #requests: Requests;
  /** For refreshes, where many objects are read at a time. */
  readonly shared: SharedReads;

  constructor(connection: Connection, log: Log) {
    this.#requests = new Requests(connection, log);
    this.shared = new SharedReads(this);
  }

  get server(): string {
    return this.#requests.server;
  }

  /** The object, undefined where there is none. */
  async get(path: ResourcePath, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#requests.json<KubeObject>({ method: 'GET', path: urlPath(path) }, signal);
    } catch (cause) {
      if (isMissingObject(cause)) return undefined;
      throw cause;
    }
  }

  /** One page. With `once` a failure is not tried again: for what one can do without. */
  list(
    path: Omit<ResourcePath, 'name'>,
    query: Query,
    signal: AbortSignal,
    { once = false } = {},
  ): Promise<ObjectList> {
    return this.#requests.json<ObjectList>({ method: 'GET', path: urlPath(path, query), once }, signal);
  }

  /** Server-side apply of exactly the fields in `object`, in the provider's name. */
  apply(
    path: ResourcePath,
    object: object,
    options: { force: boolean; dryRun?: boolean },
    signal: AbortSignal,
  ): Promise<KubeObject> {
    this.shared.forget();
    const query = {
      fieldManager: FIELD_MANAGER,
      fieldValidation: 'Strict',
      ...(options.force && { force: 'true' }),
      ...(options.dryRun && { dryRun: 'All' }),
    };
    const body = JSON.stringify(object);
    const contentType = 'application/apply-patch+yaml';
    return this.#requests.json({ method: 'PATCH', path: urlPath(path, query), body, contentType }, signal);
  }

  /** Sets or removes (null) fields by merge patch, where apply cannot: it would have to state all that is owned again. */
  merge(path: ResourcePath, patch: object, signal: AbortSignal): Promise<KubeObject> {
    this.shared.forget();
    const body = JSON.stringify(patch);
    const contentType = 'application/merge-patch+json';
    const query = { fieldManager: FIELD_MANAGER };
    return this.#requests.json({ method: 'PATCH', path: urlPath(path, query), body, contentType }, signal);
  }

  /** Deletes the object that has this uid; one that is gone, or another of its name, counts as deleted. */
  async delete(path: ResourcePath, uid: string, signal: AbortSignal): Promise<'gone' | 'other' | 'deleting'> {
    this.shared.forget();
    const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } });
    const contentType = 'application/json';
    try {
      const answer = await this.#requests.json<KubeObject>(
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
    const response = await this.#requests.ok(request, AbortSignal.any([signal, silence]));
    try {
      for await (const line of lines(response.body)) yield JSON.parse(line) as WatchEvent;
    } catch (cause) {
      signal.throwIfAborted();
      if (!silence.aborted) throw connectionError(this.server, cause);
    }
  }

  close(): void {
    this.#requests.close();
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
