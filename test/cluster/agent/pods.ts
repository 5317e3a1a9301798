import type { ApiClient } from '../api-client.ts';
import type { AgentContext } from './context.ts';
import { log, reason } from './log.ts';
import { nodeName } from './node.ts';
import { PodRunner } from './pod-runner.ts';
import { Reflector } from './reflector.ts';
import type { Pod } from './types.ts';

/** Schedules Pods to the one node and runs those that are on it. */
export class Pods {
  readonly #client: ApiClient;
  readonly #agent: AgentContext;
  readonly #runners = new Map<string, PodRunner>();
  readonly #pods: Reflector<Pod>;

  constructor(client: ApiClient, agent: AgentContext) {
    this.#client = client;
    this.#agent = agent;
    this.#pods = new Reflector<Pod>(client, '/api/v1/pods');
    this.#pods.on('change', (pod, what) => this.#see(pod, what));
  }

  get synced(): Promise<void> {
    return this.#pods.synced;
  }

  #see(pod: Pod, what: 'set' | 'gone'): void {
    const uid = pod.metadata.uid ?? '';
    const runner = this.#runners.get(uid);
    if (what === 'gone') {
      this.#runners.delete(uid);
      void runner?.stop(0);
      return;
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      void this.#end(pod, runner);
    } else if (pod.spec.nodeName === undefined || pod.spec.nodeName === '') {
      void this.#bind(pod);
    } else if (pod.spec.nodeName === nodeName) {
      if (runner !== undefined) runner.update(pod);
      else if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') {
        this.#runners.set(uid, new PodRunner(this.#agent, pod));
      }
    }
  }

  async #bind(pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    await this.#client
      .call('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, binding, { allowed: [404, 409] })
      .catch((error: unknown) =>
        log('pod not bound', { pod: `${namespace}/${name}`, reason: reason(error) }),
      );
  }

  async #end(pod: Pod, runner: PodRunner | undefined): Promise<void> {
    const { namespace, name, uid, deletionGracePeriodSeconds } = pod.metadata;
    await runner?.stop((deletionGracePeriodSeconds ?? 30) * 1000);
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
    await this.#client
      .call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, body, { allowed: [404, 409] })
      .catch((error: unknown) =>
        log('pod not deleted', { pod: `${namespace}/${name}`, reason: reason(error) }),
      );
  }
}
