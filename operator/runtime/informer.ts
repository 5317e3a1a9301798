/**
 * A live copy of all objects of a type.
 *
 * Each scope (the cluster, or one of the watched namespaces) lists in pages, then watches with bookmarks, and starts
 * again with backoff after any error; it never gives up. A list that fails or is forbidden leaves its scope as it
 * was: objects vanish only by a delete event or by a complete list without them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isKubeError,
  type AnyObject,
  type KubeClient,
  type Resource,
  type WatchEvent,
} from '../kube/index.ts';
import { compact } from './compact.ts';
import { keyOf, type Key } from './keys.ts';
import type { Log } from './log.ts';
import { Store, type IndexFunction } from './store.ts';

export interface Change<T> {
  type: 'Added' | 'Updated' | 'Removed';
  /** As it is now; for Removed as it was last seen. */
  object: T;
  previous: T | undefined;
  /** Found by the first list, not by a change. */
  isInitial: boolean;
}

export interface InformerOptions<T extends AnyObject> {
  client: KubeClient;
  resource: Resource<T>;
  log: Log;
  /** Only these namespaces; undefined: the whole cluster. */
  namespaces?: readonly string[] | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  indexes?: Record<string, IndexFunction<T>> | undefined;
  /** Called on each object before it is stored; to drop what nobody reads, beyond what compact.ts drops. */
  trim?: ((object: T) => void) | undefined;
}

interface Scope {
  namespace: string | undefined;
  resourceVersion: string | undefined;
  isSynced: boolean;
  /** The server refuses to list it: it counts as unknown, and the others go on without it. */
  isRefused: boolean;
}

const PAGE_SIZE = 500;
const SHORTEST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
/** Bookmarks come about once a minute; three missing mean a dead connection. */
const IDLE_MS = 180_000;

export class Informer<T extends AnyObject> {
  readonly resource: Resource<T>;
  readonly #options: InformerOptions<T>;
  readonly #store: Store<T>;
  readonly #scopes: Scope[];
  readonly #handlers: ((change: Change<T>) => void)[] = [];
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: InformerOptions<T>) {
    this.resource = options.resource;
    this.#options = options;
    this.#store = new Store(options.indexes);
    const namespaces = options.resource.namespaced ? options.namespaces : undefined;
    this.#scopes = (namespaces ?? [undefined]).map((namespace) => ({
      namespace,
      resourceVersion: undefined,
      isSynced: false,
      isRefused: false,
    }));
  }

  /** Handlers are called in order, synchronously, after the store has changed. Register before start. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler);
  }

  start(signal: AbortSignal): void {
    for (const scope of this.#scopes) void this.#run(scope, signal);
  }

  /** Resolves when every scope has been listed once or is refused to us; isSynced tells which. */
  get whenSynced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Whether what is absent here is absent in the cluster: its scope was listed completely. */
  isSynced(namespace?: string): boolean {
    if (namespace === undefined) return this.#scopes.every((scope) => scope.isSynced);
    // A namespace that is not watched (any more) was never listed: nothing is known to be absent there.
    return this.#scopes.some((scope) => scope.isSynced && [undefined, namespace].includes(scope.namespace));
  }

  get(key: Key): T | undefined {
    return this.#store.get(key);
  }

  values(): IterableIterator<T> {
    return this.#store.values();
  }

  get size(): number {
    return this.#store.size;
  }

  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value);
  }

  /**
   * Take the answer to an own write without waiting for its watch event. Handlers are not told: the writer knows.
   * Versions are compared as numbers, which holds for etcd; a wrong guess only costs one status write.
   */
  accept(object: T): void {
    const key = keyOf(object);
    const present = this.#store.get(key);
    if (present === undefined || present.metadata.uid !== object.metadata.uid) return;
    if (versionOf(object) > versionOf(present)) this.#store.set(this.#trimmed(object));
  }

  async #run(scope: Scope, signal: AbortSignal): Promise<void> {
    let backoffMs = SHORTEST_BACKOFF_MS;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        if (scope.resourceVersion === undefined) await this.#relist(scope);
        await this.#follow(scope, signal);
      } catch (error) {
        if (signal.aborted) return;
        // 410: history is gone. 504: our version is from before a restore of etcd. Both begin with a list.
        if (isKubeError(error) && [410, 504].includes(error.status)) scope.resourceVersion = undefined;
        scope.isRefused = isKubeError(error, 'Permanent');
        this.#resolveSynced();
        this.#report(scope, error, backoffMs);
      }
      const wasHealthy = performance.now() - startedAt > 5_000;
      backoffMs = wasHealthy ? SHORTEST_BACKOFF_MS : Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
      if (!wasHealthy) await pause(backoffMs * (0.5 + Math.random() / 2), signal);
    }
  }

  #report(scope: Scope, error: unknown, backoffMs: number): void {
    const isQuiet = isKubeError(error) && (error.status === 410 || error.reason === 'UND_ERR_BODY_TIMEOUT');
    const fields = { resource: this.resource.plural, namespace: scope.namespace, backoffMs, err: error };
    this.#options.log[isQuiet ? 'debug' : 'warn'](fields, 'list or watch ended; what was known stays');
  }

  async #relist(scope: Scope): Promise<void> {
    const { client, resource, labelSelector, fieldSelector } = this.#options;
    const found: T[] = [];
    let page: Awaited<ReturnType<KubeClient['list']>> | undefined;
    do {
      page = await client.list(resource, {
        namespace: scope.namespace,
        labelSelector,
        fieldSelector,
        limit: PAGE_SIZE,
        continue: page?.continue,
      });
      // Trimmed at once: a whole list as it is sent is several times of what is kept of it.
      for (const object of page.items) found.push(this.#trimmed(object as T));
    } while (page.continue !== undefined);
    this.#replace(scope, found);
    scope.resourceVersion = page.resourceVersion;
    scope.isSynced = true;
    scope.isRefused = false;
    this.#resolveSynced();
  }

  /** A refusal counts only where other scopes are left to work on. */
  #resolveSynced(): void {
    const isSettled = this.#scopes.every((scope) => scope.isSynced || scope.isRefused);
    if (isSettled && this.#scopes.some((scope) => scope.isSynced)) this.#synced.resolve();
  }

  #replace(scope: Scope, objects: T[]): void {
    const gone = new Set<Key>();
    for (const object of this.#store.values()) {
      if (scope.namespace === undefined || object.metadata.namespace === scope.namespace)
        gone.add(keyOf(object));
    }
    for (const object of objects) {
      gone.delete(keyOf(object));
      // A list is the truth, also where its versions are lower (etcd restored from a backup).
      if (this.#store.get(keyOf(object))?.metadata.resourceVersion !== object.metadata.resourceVersion) {
        this.#put(object, !scope.isSynced);
      }
    }
    for (const key of gone) this.#drop(key);
  }

  async #follow(scope: Scope, signal: AbortSignal): Promise<void> {
    const { client, resource, labelSelector, fieldSelector } = this.#options;
    const events = client.watch(resource, {
      resourceVersion: scope.resourceVersion!,
      namespace: scope.namespace,
      labelSelector,
      fieldSelector,
      timeoutSeconds: 300 + Math.floor(Math.random() * 300),
      idleMs: IDLE_MS,
      signal,
    });
    for await (const event of events) this.#take(scope, event);
  }

  #take(scope: Scope, event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      scope.resourceVersion = event.resourceVersion;
      return;
    }
    if (event.type === 'DELETED') this.#drop(keyOf(event.object));
    else if (!this.#isKnown(event.object)) this.#put(event.object, false);
    scope.resourceVersion = event.object.metadata.resourceVersion;
  }

  #put(object: T, isInitial: boolean): void {
    const present = this.#store.get(keyOf(object));
    // Deleted and created again while we did not look: two changes.
    if (present !== undefined && present.metadata.uid !== object.metadata.uid) this.#drop(keyOf(object));
    const previous = this.#store.set(this.#trimmed(object));
    this.#tell({ type: previous === undefined ? 'Added' : 'Updated', object, previous, isInitial });
  }

  /** The answer to an own write came before its event. */
  #isKnown(object: T): boolean {
    const present = this.#store.get(keyOf(object));
    return (
      present !== undefined &&
      present.metadata.uid === object.metadata.uid &&
      versionOf(present) >= versionOf(object)
    );
  }

  #drop(key: Key): void {
    const previous = this.#store.delete(key);
    if (previous !== undefined) this.#tell({ type: 'Removed', object: previous, previous, isInitial: false });
  }

  #trimmed(object: T): T {
    compact(object);
    this.#options.trim?.(object);
    return object;
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        // A throwing handler must not end the watch for everybody else.
        this.#options.log.error({ resource: this.resource.plural, err: error }, 'change handler failed');
      }
    }
  }
}

function versionOf(object: AnyObject): number {
  return Number(object.metadata.resourceVersion ?? 0);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Keeps the process alive: it must outlast an API server that is away.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
