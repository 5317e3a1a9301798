/**
 * Sees changes when they happen: watches as administrator, so that times are those of the product and not of polling.
 * Role: latencies and "at no moment" assertions. Limits: one kind and namespace for an observer.
 */
import {
  KubeClient,
  loadConnection,
  type AnyObject,
  type Resource,
} from '../../../../operator/kube/index.ts';
import { createLog, Informer } from '../../../../operator/runtime/index.ts';
import type { Cluster } from '../../../cluster/index.ts';

export class Observer<T extends AnyObject> {
  readonly #informer: Informer<T>;
  readonly #client: KubeClient;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();

  private constructor(client: KubeClient, resource: Resource<T>, namespace: string) {
    this.#client = client;
    this.#informer = new Informer({ client, resource, log: createLog('silent'), namespaces: [namespace] });
    this.#informer.onChange(() => {
      for (const wake of this.#waiting) wake();
    });
  }

  static async start<T extends AnyObject>(
    cluster: Cluster,
    resource: Resource<T>,
    namespace: string,
  ): Promise<Observer<T>> {
    const client = new KubeClient(await loadConnection(cluster.kubeconfig));
    const observer = new Observer(client, resource, namespace);
    observer.#informer.start(observer.#stop.signal);
    await observer.#informer.whenSynced;
    return observer;
  }

  /** Called after every change. */
  onChange(listener: () => void): void {
    this.#informer.onChange(listener);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#informer.get(`${namespace}/${name}`);
  }

  /** Milliseconds from now until the object (undefined: gone) is as `check` wants it. */
  async until(
    namespace: string,
    name: string,
    check: (object: T | undefined) => boolean,
    timeoutMs = 10_000,
  ): Promise<number> {
    const startedAt = performance.now();
    while (!check(this.get(namespace, name))) {
      const leftMs = startedAt + timeoutMs - performance.now();
      if (leftMs <= 0) throw new Error(`${name} is ${JSON.stringify(this.get(namespace, name))}`);
      await this.#next(leftMs);
    }
    return Math.round(performance.now() - startedAt);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#client.close();
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#waiting.add(finish);
    });
  }
}
