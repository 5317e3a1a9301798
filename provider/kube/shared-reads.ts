import type { KubeClient } from './client.ts';
import type { KubeObject, ResourcePath } from './objects.ts';

/** So many reads of a kind in a namespace are made one by one; what comes after shares a list. */
const SINGLE_READS = 3;
/** How long a list answers: a refresh of hundreds takes seconds, and each of them may be as old as its first. */
const FRESH_MS = 5000;
/** A namespace with more objects than this is read one by one: its list costs more than it saves. */
const MOST = 1000;

interface Scope {
  reads: number;
  untilMs: number;
  list: Promise<ReadonlyMap<string, KubeObject> | undefined> | undefined;
}

/** Reads for a refresh: many at once, of which each alone would be a request. */
export class SharedReads {
  readonly #client: KubeClient;
  readonly #scopes = new Map<string, Scope>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The object, undefined where there is none. */
  async get(path: ResourcePath, signal: AbortSignal): Promise<KubeObject | undefined> {
    const key = `${path.apiVersion} ${path.plural} ${path.namespace ?? ''}`;
    const scope = this.#scopes.get(key) ?? { reads: 0, untilMs: 0, list: undefined };
    this.#scopes.set(key, scope);
    scope.reads += 1;
    if (scope.reads <= SINGLE_READS) return this.#client.get(path, signal);
    if (scope.untilMs < Date.now()) {
      scope.untilMs = Date.now() + FRESH_MS;
      scope.list = this.#list(path).catch(() => undefined);
    }
    // What the list lacks, or could not tell, is asked for by name: only that answer means that it is gone.
    return (await scope.list)?.get(path.name) ?? this.#client.get(path, signal);
  }

  /** Forgets what was listed: something was written. */
  forget(): void {
    for (const scope of this.#scopes.values()) scope.untilMs = 0;
  }

  async #list({ name: _name, ...where }: ResourcePath): Promise<ReadonlyMap<string, KubeObject> | undefined> {
    const query = { limit: String(MOST) };
    const page = await this.#client.list(where, query, AbortSignal.timeout(FRESH_MS), { once: true });
    if (page.metadata?.continue) return undefined;
    return new Map(page.items.map((object) => [object.metadata.name, object]));
  }
}
