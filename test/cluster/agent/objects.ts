import { EventEmitter } from 'node:events';
import type { ApiClient } from '../api-client.ts';
import { Reflector } from './reflector.ts';
import type { ConfigMap, Secret } from './types.ts';

/**
 * Secrets and ConfigMaps that Pods refer to. A namespace is followed from the first time that one of its objects is
 * asked for, so that a cluster with thousands of Secrets elsewhere costs nothing.
 */
export class ReferredObjects extends EventEmitter<{ change: [namespace: string] }> {
  readonly #client: ApiClient;
  readonly #secrets = new Map<string, Reflector<Secret>>();
  readonly #configMaps = new Map<string, Reflector<ConfigMap>>();

  constructor(client: ApiClient) {
    super();
    this.setMaxListeners(0);
    this.#client = client;
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#find(this.#secrets, 'secrets', namespace, name);
  }

  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#find(this.#configMaps, 'configmaps', namespace, name);
  }

  async #find<T extends Secret>(
    known: Map<string, Reflector<T>>,
    plural: string,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    let reflector = known.get(namespace);
    if (reflector === undefined) {
      reflector = new Reflector<T>(this.#client, `/api/v1/namespaces/${namespace}/${plural}`);
      known.set(namespace, reflector);
      reflector.on('change', () => this.emit('change', namespace));
    }
    await reflector.synced;
    return reflector.get(namespace, name);
  }
}
