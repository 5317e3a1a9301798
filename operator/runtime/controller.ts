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
import { isKubeError, type AnyObject, type KubeClient } from '../kube/index.ts';
import { isEqual } from './equal.ts';
import type { EventDraft, EventRecorder } from './events.ts';
import type { Change, Informer } from './informer.ts';
import { keyOf, type Key } from './keys.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { WorkQueue, type Priority, type QueueOptions } from './queue.ts';
import { writeStatus } from './status.ts';

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

/** What brings keys into the queue. */
export interface Watch {
  /** Called once, before informers start. */
  connect: (add: (key: Key, isInitial: boolean) => void) => void;
}

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

/** Rounds of observe and apply within one reconcile; more means that decide never settles. */
const MOST_ROUNDS = 12;

/** Watch the controller's own objects; changes of status alone are not seen. */
export function watchOwn<T extends AnyObject>(informer: Informer<T>): Watch {
  return watchWith(informer, (change) => (isOnlyStatus(change) ? [] : [keyOf(change.object)]));
}

/** Watch other objects: `keysOf` names the keys that a change concerns. */
export function watchWith<T extends AnyObject>(
  informer: Informer<T>,
  keysOf: (change: Change<T>) => Iterable<Key>,
): Watch {
  return {
    connect: (add) =>
      informer.onChange((change) => {
        for (const key of keysOf(change)) add(key, change.isInitial);
      }),
  };
}

/** Neither spec nor what people set in metadata has changed. */
export function isOnlyStatus<T extends AnyObject>({ type, object, previous }: Change<T>): boolean {
  if (type !== 'Updated' || previous === undefined) return false;
  const now = object.metadata;
  const before = previous.metadata;
  return (
    now.generation === before.generation &&
    now.deletionTimestamp === before.deletionTimestamp &&
    isEqual(now.labels, before.labels) &&
    isEqual(now.annotations, before.annotations)
  );
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

/** One key, start to end. Never throws. */
async function reconcile<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  queue: WorkQueue,
  runtime: Runtime,
  key: Key,
  signal: AbortSignal,
): Promise<void> {
  const { metrics, log } = runtime;
  const startedAt = performance.now();
  let outcome = 'ok';
  try {
    const { requeueAfterMs, requeuePriority } = await settle(controller, runtime, key, signal);
    queue.forget(key);
    if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs, requeuePriority);
  } catch (error) {
    if (signal.aborted) return;
    outcome = isKubeError(error) ? error.kind : 'error';
    const atLeastMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
    const retryMs = Math.round(queue.retry(key, atLeastMs));
    const isExpected = isKubeError(error, 'Conflict', 'Temporary', 'Unknown');
    const fields = { controller: controller.name, key, retryMs, err: error };
    log[isExpected ? 'info' : 'warn'](fields, 'reconcile failed, tried again later');
  } finally {
    const seconds = (performance.now() - startedAt) / 1000;
    metrics.reconciles.inc({ controller: controller.name, outcome });
    metrics.reconcileSeconds.observe({ controller: controller.name }, seconds);
  }
}

/** Observe, decide, apply until nothing is left to do, then write status. Returns the last decision. */
async function settle<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  runtime: Runtime,
  key: Key,
  signal: AbortSignal,
): Promise<Decision<Action, Status>> {
  for (let round = 1; ; round++) {
    if (round > MOST_ROUNDS) throw new Error(`${controller.name} ${key} does not settle`);
    const snapshot = await controller.observe(key, signal);
    const decision = controller.decide(snapshot, nowOf(runtime));
    runtime.log.debug({ controller: controller.name, key, rule: decision.rule, round }, 'decided');
    let result: ActionResult = 'done';
    try {
      if (decision.isStatusFirst === true) await write(controller, runtime, snapshot, decision.status);
      for (const action of decision.actions) {
        signal.throwIfAborted();
        result = await controller.apply(action, snapshot, signal);
        if (result !== 'done') break;
      }
    } catch (error) {
      if (!signal.aborted) {
        const now = nowOf(runtime);
        const status = controller.statusAfterError(snapshot, error, decision.status, now);
        await write(controller, runtime, snapshot, status).catch(() => undefined);
      }
      throw error;
    }
    announce(controller, runtime, snapshot, decision.events);
    if (result === 'observe') continue;
    await write(controller, runtime, snapshot, decision.status);
    return decision;
  }
}

async function write<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  runtime: Runtime,
  snapshot: Snapshot,
  status: Status | undefined,
): Promise<void> {
  const object = controller.objectOf(snapshot);
  if (object === undefined || status === undefined) return;
  await writeStatus(runtime.client, controller.informer, object, status);
}

function announce<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  runtime: Runtime,
  snapshot: Snapshot,
  events: readonly EventDraft[] | undefined,
): void {
  const object = controller.objectOf(snapshot);
  if (object === undefined) return;
  for (const event of events ?? []) runtime.events.record(controller.informer.resource, object, event);
}

function nowOf(runtime: Runtime): Date {
  return runtime.now?.() ?? new Date();
}

/** For actions that wait a moment; ends early with the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
