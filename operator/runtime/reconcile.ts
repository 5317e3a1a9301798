/** One reconcile: observe, decide, apply until nothing is left to do; then status, also after a failure. */
import { isKubeError, type AnyObject } from '../kube/index.ts';
import type { ActionResult, Controller, Decision, Runtime } from './controller.ts';
import type { EventDraft } from './events.ts';
import type { Key } from './keys.ts';
import type { WorkQueue } from './queue.ts';
import { writeStatus, type StatusOutcome } from './status.ts';

/** Rounds of observe and apply within one reconcile; more means that decide never settles. */
const MOST_ROUNDS = 12;

/** One key, start to end. Never throws. */
export async function reconcile<T extends AnyObject, Snapshot, Action, Status>(
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
    const decision = await settle(controller, runtime, key, signal);
    if (decision === 'overtaken') {
      // What changed it may be nothing that a watch brings back: an owner, a finalizer, another's part of the status.
      outcome = decision;
      queue.retry(key);
      return;
    }
    queue.forget(key);
    const { requeueAfterMs, requeuePriority } = decision;
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

/**
 * Observe, decide, apply until nothing is left to do, then write status. Returns the last decision, or that the object
 * was changed meanwhile: its status is not told then, and what must not be done before it is not done.
 */
async function settle<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  runtime: Runtime,
  key: Key,
  signal: AbortSignal,
): Promise<Decision<Action, Status> | 'overtaken'> {
  for (let round = 1; ; round++) {
    if (round > MOST_ROUNDS) throw new Error(`${controller.name} ${key} does not settle`);
    const snapshot = await controller.observe(key, signal);
    const decision = controller.decide(snapshot, nowOf(runtime));
    runtime.log.debug({ controller: controller.name, key, rule: decision.rule, round }, 'decided');
    let result: ActionResult = 'done';
    try {
      if (decision.isStatusFirst === true) {
        const told = await write(controller, runtime, snapshot, decision.status);
        if (told === 'overtaken') return told;
      }
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
    const told = await write(controller, runtime, snapshot, decision.status);
    return told === 'overtaken' ? told : decision;
  }
}

async function write<T extends AnyObject, Snapshot, Action, Status>(
  controller: Controller<T, Snapshot, Action, Status>,
  runtime: Runtime,
  snapshot: Snapshot,
  status: Status | undefined,
): Promise<StatusOutcome> {
  const object = controller.objectOf(snapshot);
  if (object === undefined || status === undefined) return 'unchanged';
  return writeStatus(runtime.client, controller.informer, object, status);
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
