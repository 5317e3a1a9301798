/** The SmtpRelay controller: wiring of observe, decide and the actions. */
import type { relayApi, SmtpRelay, SmtpRelayStatus } from '../../api/index.ts';
import { BY_RELAY, RELAY_LABEL } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import type { AnyObject } from '../../kube/index.ts';
import { CONFIRM_ANNOTATION, type RelayFacts, type RelayHandle } from '../../projection/index.ts';
import {
  condition,
  keyFor,
  keyOf,
  mergeConditions,
  prepareController,
  watchOwn,
  watchWith,
  type ActionResult,
  type Key,
  type PreparedController,
} from '../../runtime/index.ts';
import { withBounceKey } from './bounce-key.ts';
import { adminIdentity, certify } from './certify.ts';
import { decideRelay, markOf, settingsOf, type RelayAction } from './decide.ts';
import { hostOf } from './names.ts';
import { SERVICE_PORTS } from './objects.ts';
import { observeRelay } from './observe.ts';
import { REASONS } from './reasons.ts';
import type { RelaySnapshot } from './snapshot.ts';
import { caBundleOf } from './status.ts';

/** Counters in status lag by at most this: they are no reason for a write each. */
const PROGRESS_MS = 5_000;
/** Some Secrets of shards are looked at with each look at the relay, whatever else brings it into the queue meanwhile. */
const CHECK_SHARE = 0.8;

export function createRelayController(context: OperatorContext): PreparedController {
  const { caches, relays } = context;
  /** Marks of what this process applied, by uid; see isAsWanted. */
  const applied = new Map<string, string>();
  const prepared = prepareController<SmtpRelay, RelaySnapshot, RelayAction, SmtpRelayStatus>({
    name: 'smtprelay',
    concurrency: 8,
    informer: caches.relays,
    watches: [watchOwn(caches.relays), watchWith(caches.deployments, ({ object }) => relayKeys(object))],
    observe: (key) => observeRelay(context, key, applied),
    objectOf: ({ relay }) => relay,
    decide: decideRelay,
    apply: (action, snapshot) => applyAction(context, applied, action, snapshot),
    statusAfterError,
  });
  caches.pods.onChange(({ object }) => {
    for (const key of relayKeys(object)) relays.get(key)?.setPods(caches.pods.byIndex(BY_RELAY, key));
  });
  relays.onChange((key, change) => {
    if (change === 'pods') prepared.queue.add(key);
    if (change === 'progress') prepared.queue.addAfter(key, PROGRESS_MS);
  });
  return prepared;
}

async function applyAction(
  context: OperatorContext,
  applied: Map<string, string>,
  action: RelayAction,
  snapshot: RelaySnapshot,
): Promise<ActionResult> {
  const { relays } = context;
  if (action.do === 'close') {
    // The key is not in the snapshot of an object that is gone; every handle without an object goes.
    closeOrphans(context);
    return 'done';
  }
  const relay = snapshot.relay!;
  const key = keyOf(relay);
  switch (action.do) {
    case 'authority':
    case 'certificate':
      await certify(context, relay, snapshot.secrets, action);
      // Pods are dialled with a certificate of this authority: open anew with the next.
      if (action.do === 'authority' && action.which === 'admin') relays.close(key);
      return 'observe';
    case 'open':
      await open(context, key, relay, snapshot);
      return 'observe';
    case 'facts':
      refresh(context, key, relay, snapshot);
      return 'done';
    case 'settings':
      await putSettings(relays.get(key), settingsOf(snapshot, relay));
      return 'done';
    case 'apply': {
      const { resource, object } = action.wanted;
      const result = await context.client.apply(resource, object, { force: true });
      applied.set(result.metadata.uid!, markOf(result, object));
      return 'done';
    }
    case 'remove':
      await context.client.remove(action.resource, {
        namespace: relay.metadata.namespace,
        name: action.name,
      });
      return 'done';
  }
}

function closeOrphans({ relays, caches }: OperatorContext): void {
  for (const handle of relays.values()) {
    const relay = caches.relays.get(handle.key);
    if (relay === undefined || relay.metadata.deletionTimestamp !== undefined) relays.close(handle.key);
  }
}

async function putSettings(handle: RelayHandle | undefined, wanted: relayApi.RelaySettings): Promise<void> {
  await handle?.shards.putSettings(withBounceKey(wanted, handle.shards.settings));
}

async function open(
  context: OperatorContext,
  key: Key,
  relay: SmtpRelay,
  snapshot: RelaySnapshot,
): Promise<void> {
  const { relays, client, log, caches } = context;
  const identity = await adminIdentity(snapshot.secrets.adminAuthority);
  const facts = factsOf(relay, snapshot);
  const handle = await relays.open({ key, client, relay, facts, identity, log });
  handle.setPods(caches.pods.byIndex(BY_RELAY, key));
}

function refresh(
  { relays, log }: OperatorContext,
  key: Key,
  relay: SmtpRelay,
  snapshot: RelaySnapshot,
): void {
  const handle = relays.get(key);
  if (handle === undefined) return;
  handle.relay = relay;
  relays.setFacts(handle, factsOf(relay, snapshot));
  handle.removals.confirm(relay.metadata.annotations?.[CONFIRM_ANNOTATION]);
  checkNow(handle, snapshot.recheckMs * CHECK_SHARE, log);
}

/** Pods that start mount every shard: one whose Secret is gone would keep them from it. */
function checkNow(handle: RelayHandle, everyMs: number, log: OperatorContext['log']): void {
  const now = performance.now();
  if (now - (checkedAt.get(handle) ?? -Infinity) < everyMs) return;
  checkedAt.set(handle, now);
  handle.shards.check().catch((error: unknown) => {
    log.info({ relay: handle.key, err: error }, 'Secrets of shards could not be checked');
  });
}

const checkedAt = new WeakMap<RelayHandle, number>();

function factsOf(relay: SmtpRelay, { secrets }: RelaySnapshot): RelayFacts {
  return { host: hostOf(relay), ports: SERVICE_PORTS, caBundle: caBundleOf(relay, secrets) };
}

function statusAfterError(
  { relay }: RelaySnapshot,
  error: unknown,
  decided: SmtpRelayStatus | undefined,
  now: Date,
): SmtpRelayStatus | undefined {
  if (relay === undefined) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  const base = decided ?? relay.status ?? {};
  const generation = relay.metadata.generation;
  const kept = (base.conditions ?? []).filter(
    ({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type),
  );
  const drafts = [
    condition('Ready', 'Unknown', REASONS.apiError, message),
    ...kept,
    condition('Reconciling', 'True', REASONS.apiError, message),
  ];
  return {
    ...base,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: mergeConditions(relay.status?.conditions, drafts, generation, now),
  };
}

function relayKeys(object: AnyObject): Key[] {
  const name = object.metadata.labels?.[RELAY_LABEL];
  return name === undefined ? [] : [keyFor(object.metadata.namespace, name)];
}
