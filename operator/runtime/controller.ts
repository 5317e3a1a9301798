/**
 * The shape of a controller, and what runs it.
 *
 *   observe(key) -> Snapshot         reads caches and, where needed, the cluster
 *   decide(snapshot, now) -> Decision  pure: actions, status, requeue
 *   apply(action, snapshot)          one idempotent step
 *   status is written, always, also after a failure
 *
 * An action that changed the world answers 'observe': what follows is decided anew from what is there then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyObject, KubeClient } from '../kube/index.ts';
import type { EventDraft, EventRecorder } from './events.ts';
import type { Informer } from './informer.ts';
import type { Key } from './keys.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { WorkQueue, type Priority, type QueueOptions } from './queue.ts';
import { reconcile } from './reconcile.ts';
import type { Watch } from './watches.ts';

export interface Decision<Action, Status> {
  /** The rule that decided; for logs. */
  rule: string;
  /** Applied in order. */
  actions: readonly Action[];
  /** Whole status to write; undefined when the object is gone. */
  status?: Status | undefined;
  /** Write the status before the actions too: what they do must not happen while the old one still stands. */
  isStatusFirst?: boolean | undefined;
  events?: readonly EventDraft[] | undefined;
  /** Look again after this, also without a change. */
  requeueAfterMs?: number | undefined;
  /** 'later': that look may wait behind changes; 'now' without it. */
  requeuePriority?: Priority | undefined;
}

/** 'observe': something has changed, decide anew. 'wait': stop here, the requeue or a change brings the key back. */
export type ActionResult = 'done' | 'observe' | 'wait';

export interface Controller<T extends AnyObject, Snapshot, Action, Status> {
  name: string;
  /** Keys worked on at once. Reconciles mostly wait for the network: hundreds cost nothing. */
  concurrency: number;
  /** Objects whose status is written. */
  informer: Informer<T>;
  watches: readonly Watch[];
  queue?: QueueOptions;
  observe: (key: Key, signal: AbortSignal) => Promise<Snapshot>;
  /** The object in a snapshot; undefined when it is gone. */
  objectOf: (snapshot: Snapshot) => T | undefined;
  decide: (snapshot: Snapshot, now: Date) => Decision<Action, Status>;
  apply: (action: Action, snapshot: Snapshot, signal: AbortSignal) => Promise<ActionResult>;
  /** Status after a failure; `decided` is what would have been written. */
  statusAfterError: (
    snapshot: Snapshot,
    error: unknown,
    decided: Status | undefined,
    now: Date,
  ) => Status | undefined;
}

export interface Runtime {
  client: KubeClient;
  events: EventRecorder;
  metrics: Metrics;
  log: Log;
  now?: () => Date;
}

export interface RunningController {
  /** Reconcile a key, for changes that no watch shows. */
  add: (key: Key, priority?: 'now' | 'later') => void;
  /** Resolves when no key waits or is worked on. */
  whenIdle: () => Promise<void>;
  /** Resolves when all workers have ended after the signal. */
  finished: Promise<void>;
}

/** A controller whose types no longer matter: what main.ts starts. */
export interface PreparedController {
  name: string;
  queue: WorkQueue;
  start: (runtime: Runtime, signal: AbortSignal) => RunningController;
}

/** Connect watches to a queue. Call before the informers start; work begins with `start`. */
export function prepareController<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
): PreparedController {
  const queue = new WorkQueue(controller.queue);
  for (const watch of controller.watches) {
    watch.connect((key, isInitial) => queue.add(key, isInitial ? 'later' : 'now'));
  }
  return {
    name: controller.name,
    queue,
    start: (runtime, signal) => runController(controller, queue, runtime, signal),
  };
}

function runController<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  queue: WorkQueue,
  runtime: Runtime,
  signal: AbortSignal,
): RunningController {
  const { metrics } = runtime;
  metrics.watchQueue(controller.name, () => queue.depth);
  queue.onTaken = (seconds) => metrics.queueSeconds.observe({ controller: controller.name }, seconds);
  signal.addEventListener('abort', () => queue.stop(), { once: true });
  if (signal.aborted) queue.stop();
  const worker = async (): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      await reconcile(controller, queue, runtime, key, signal);
      queue.done(key);
    }
  };
  const workers = Array.from({ length: controller.concurrency }, worker);
  return {
    add: (key, priority) => queue.add(key, priority),
    whenIdle: () => queue.whenIdle(),
    finished: Promise.all(workers).then(() => undefined),
  };
}

/** For actions that wait a moment; ends early with the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
