import { constants } from 'node:os';
import { ApiError } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import type { Exit } from './container.ts';
import { log, reason } from './log.ts';
import type { Condition, Container, ContainerStatus, Pod, PodStatus } from './types.ts';

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** What is known about one Pod, and its way to the API: the newest version, one write at a time. */
export class StatusReport {
  readonly init: ContainerStatus[];
  readonly containers: ContainerStatus[];
  address: string | undefined;
  isInitialized = false;
  /** Set when no container will run again. */
  finished: 'Succeeded' | 'Failed' | undefined;
  readonly #client: ApiClient;
  readonly #pod: Pod;
  readonly #startTime = now();
  #conditions: Condition[] = [];
  #wanted = false;
  #writing: Promise<void> | undefined;
  #last = '';

  constructor(client: ApiClient, pod: Pod) {
    this.#client = client;
    this.#pod = pod;
    this.init = (pod.spec.initContainers ?? []).map(initial);
    this.containers = pod.spec.containers.map(initial);
    this.isInitialized = this.init.length === 0;
    this.#conditions = pod.status?.conditions ?? [];
  }

  /** Says that something changed; bursts within one turn of the event loop become one write. */
  touch(): void {
    this.#wanted = true;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** Resolves when everything said so far has been written. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#wanted) {
      this.#wanted = false;
      const status = this.#build();
      const text = JSON.stringify(status);
      if (text === this.#last) continue;
      this.#last = text;
      const { namespace, name } = this.#pod.metadata;
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
      const body = { metadata: { uid: this.#pod.metadata.uid }, status };
      try {
        await this.#client.call('PATCH', path, body, { patch: 'merge', allowed: [404, 409] });
      } catch (error) {
        log('status not written', { pod: `${namespace}/${name}`, reason: reason(error) });
        if (error instanceof ApiError && error.status < 500) continue;
        this.#last = '';
        this.#wanted = true;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  #build(): PodStatus {
    const areReady = this.containers.every(({ ready }) => ready) && this.finished === undefined;
    const isStarted = this.containers.some(
      ({ state, restartCount }) => state.waiting === undefined || restartCount > 0,
    );
    const readiness = areReady
      ? {}
      : { reason: this.finished === undefined ? 'ContainersNotReady' : 'PodCompleted' };
    this.#set('PodScheduled', true);
    this.#set(
      'Initialized',
      this.isInitialized,
      this.isInitialized ? {} : { reason: 'ContainersNotInitialized' },
    );
    this.#set('ContainersReady', areReady, readiness);
    this.#set('Ready', areReady, readiness);
    return {
      phase: this.finished ?? (isStarted ? 'Running' : 'Pending'),
      startTime: this.#startTime,
      hostIP: '127.0.0.1',
      ...(this.address === undefined ? {} : { podIP: this.address, podIPs: [{ ip: this.address }] }),
      conditions: this.#conditions,
      containerStatuses: this.containers,
      ...(this.init.length === 0 ? {} : { initContainerStatuses: this.init }),
    };
  }

  #set(type: string, isTrue: boolean, more: { reason?: string } = {}): void {
    const status = isTrue ? 'True' : 'False';
    const before = this.#conditions.find((condition) => condition.type === type);
    if (before?.status === status && before.reason === more.reason) return;
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now()) : now();
    const others = this.#conditions.filter((condition) => condition.type !== type);
    this.#conditions = [...others, { type, status, lastTransitionTime, ...more }];
  }
}

function initial({ name, image }: Container): ContainerStatus {
  const state = { waiting: { reason: 'ContainerCreating' } };
  return { name, image, imageID: image, ready: false, started: false, restartCount: 0, state, lastState: {} };
}

/** The way a kubelet words the end of a container. */
export function terminated(
  exit: Exit,
  startedAt: string,
): NonNullable<ContainerStatus['state']['terminated']> {
  const exitCode = exit.signal === null ? exit.code : 128 + constants.signals[exit.signal];
  return { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt, finishedAt: now() };
}
