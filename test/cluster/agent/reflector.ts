import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient, KubeObject } from '../api-client.ts';
import { log, reason } from './log.ts';

interface List<T> {
  metadata: { resourceVersion: string };
  items: T[] | null;
}

/** A live copy of one collection: listed, then watched, listed anew after any trouble. */
export class Reflector<T extends KubeObject> extends EventEmitter<{ change: [T, 'set' | 'gone'] }> {
  readonly #client: ApiClient;
  readonly #path: string;
  readonly #items = new Map<string, T>();
  readonly #abort = new AbortController();
  /** Resolves when the first list is in. */
  readonly synced: Promise<void>;
  #markSynced: () => void = () => {};

  constructor(client: ApiClient, path: string) {
    super();
    this.setMaxListeners(0);
    this.#client = client;
    this.#path = path;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
    void this.#follow();
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#items.get(`${namespace ?? ''}/${name}`);
  }

  all(): T[] {
    return [...this.#items.values()];
  }

  stop(): void {
    this.#abort.abort();
  }

  async #follow(): Promise<void> {
    let wait = 50;
    while (!this.#abort.signal.aborted) {
      try {
        let version = await this.#list();
        this.#markSynced();
        wait = 50;
        while (!this.#abort.signal.aborted) version = await this.#watch(version);
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        log('watch interrupted', { path: this.#path, reason: reason(error) });
        await delay(wait);
        wait = Math.min(wait * 2, 2000);
      }
    }
  }

  async #list(): Promise<string> {
    const list = await this.#client.get<List<T>>(this.#path);
    const items = list.items ?? [];
    const present = new Set(items.map(keyOf));
    for (const [key, item] of this.#items) if (!present.has(key)) this.#forget(key, item);
    for (const item of items) this.#keep(item);
    return list.metadata.resourceVersion;
  }

  async #watch(from: string): Promise<string> {
    let version = from;
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${from}`;
    for await (const { type, object } of this.#client.watch<T>(
      `${this.#path}?${query}`,
      this.#abort.signal,
    )) {
      if (type === 'ERROR') throw new Error(`watch ended: ${JSON.stringify(object).slice(0, 200)}`);
      version = object.metadata.resourceVersion ?? version;
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') this.#forget(keyOf(object), object);
      else this.#keep(object);
    }
    return version;
  }

  #keep(item: T): void {
    const key = keyOf(item);
    if (this.#items.get(key)?.metadata.resourceVersion === item.metadata.resourceVersion) return;
    this.#items.set(key, item);
    this.#tell(item, 'set');
  }

  #forget(key: string, item: T): void {
    this.#items.delete(key);
    this.#tell(item, 'gone');
  }

  /** A listener that throws must not end the watch. */
  #tell(item: T, what: 'set' | 'gone'): void {
    try {
      this.emit('change', item, what);
    } catch (error) {
      log('listener failed', { path: this.#path, name: item.metadata.name, reason: reason(error) });
    }
  }
}

function keyOf(item: KubeObject): string {
  return `${item.metadata.namespace ?? ''}/${item.metadata.name}`;
}
