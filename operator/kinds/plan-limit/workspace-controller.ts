/** Keeps each workspace's quota and its limits on the relays. Keyed by namespace; has no status of its own. */
import { BY_NAMESPACE, PLAN_LABEL } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import {
  isAlreadyExists,
  isKubeError,
  PlanLimits,
  ResourceQuotas,
  type Namespace,
  type ResourceQuota,
} from '../../kube/index.ts';
import { admits } from '../../policy/index.ts';
import {
  confirmAbsence,
  isEqual,
  keyFor,
  prepareController,
  watchWith,
  type ActionResult,
  type Key,
  type PreparedController,
  type Watch,
} from '../../runtime/index.ts';
import {
  decideWorkspace,
  type WorkspaceAction,
  type WorkspaceRelay,
  type WorkspaceSnapshot,
} from './workspace.ts';

export interface WorkspaceParts {
  context: OperatorContext;
  /** Namespaces in which a quota of the wanted name is somebody else's. */
  foreign: Set<string>;
  /** Something that a PlanLimit's status tells has moved in this namespace. */
  onMoved: (namespace: string) => void;
}

export function createWorkspaceController(parts: WorkspaceParts): PreparedController {
  const { caches } = parts.context;
  const namespaceOf = (object: { metadata: { namespace?: string } }): string =>
    object.metadata.namespace ?? '';
  return prepareController<Namespace, WorkspaceSnapshot, WorkspaceAction, never>({
    name: 'workspace',
    concurrency: 32,
    informer: caches.namespaces,
    watches: [
      watchWith(caches.plans, ({ object }) => [namespaceOf(object)]),
      watchWith(caches.quotas, ({ object }) => [namespaceOf(object)]),
      // A plan that a relay gives by default begins with the first account.
      watchWith(caches.accounts, ({ type, object }) => (type === 'Updated' ? [] : [namespaceOf(object)])),
      watchWith(caches.namespaces, ({ type, object, previous }) =>
        type === 'Updated' && isEqual(object.metadata.labels, previous?.metadata.labels)
          ? []
          : [object.metadata.name],
      ),
      watchWith(caches.relays, ({ object, previous }) =>
        object.metadata.generation === previous?.metadata.generation ? [] : workspaces(parts),
      ),
      watchRelays(parts),
    ],
    observe: async (namespace) => {
      const snapshot = observeWorkspace(parts.context, namespace);
      await confirmNoPlans(parts.context, snapshot);
      return snapshot;
    },
    objectOf: () => undefined,
    decide: decideWorkspace,
    apply: (action, snapshot) => apply(parts, action, snapshot.namespace),
    statusAfterError: () => undefined,
  });
}

function watchRelays(parts: WorkspaceParts): Watch {
  return {
    connect: (add) => {
      parts.context.relays.onLimits((namespace) => add(namespace, false));
      parts.context.relays.onChange((relayKey, change) => {
        if (change !== 'opened' && change !== 'closed') return;
        const entries = parts.context.relays.get(relayKey)?.shards.entries('workspaces') ?? [];
        // Entries whose plans were deleted while nobody looked are among the shards' own.
        for (const key of new Set([...workspaces(parts), ...[...entries].map(([key]) => key)]))
          add(key, false);
      });
    },
  };
}

/** Namespaces that have plans or accounts. */
function workspaces({ context: { caches } }: WorkspaceParts): Key[] {
  const found = new Set<Key>();
  for (const { metadata } of caches.plans.values()) found.add(metadata.namespace!);
  for (const { metadata } of caches.accounts.values()) found.add(metadata.namespace!);
  return [...found];
}

/** What stands in the caches and on the relays for a namespace, at this moment. */
export function observeWorkspace({ caches, relays }: OperatorContext, namespace: string): WorkspaceSnapshot {
  const object = caches.namespaces.get(namespace);
  return {
    namespace,
    isListed: [caches.plans, caches.quotas, caches.accounts].every((cache) => cache.isSynced(namespace)),
    isActive: object !== undefined && object.metadata.deletionTimestamp === undefined,
    hasAccounts: caches.accountAges.of(namespace).length > 0,
    limits: caches.plans
      .byIndex(BY_NAMESPACE, namespace)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    quotas: caches.quotas.byIndex(BY_NAMESPACE, namespace),
    relays: [...relays.values()].map(({ key, relay, shards }): WorkspaceRelay => {
      const current = caches.relays.get(key) ?? relay;
      const { allowedNamespaces, defaultPlan } = current.spec;
      const home = current.metadata.namespace ?? '';
      const isAdmitted = admits(allowedNamespaces, home, namespace, object?.metadata.labels);
      return { key, admits: isAdmitted, defaultPlan, entry: shards.get('workspaces', namespace) };
    }),
  };
}

/** A quota whose plans are in no list: before limits fall, each plan that it names is asked for. */
async function confirmNoPlans(
  { client }: OperatorContext,
  { namespace, isListed, limits, quotas }: WorkspaceSnapshot,
): Promise<void> {
  if (!isListed || limits.length > 0) return;
  const owners = quotas.flatMap(({ metadata }) => metadata.ownerReferences ?? []);
  for (const { name, uid } of owners) await confirmAbsence(client, PlanLimits, keyFor(namespace, name), uid);
}

async function apply(
  { context, foreign, onMoved }: WorkspaceParts,
  action: WorkspaceAction,
  namespace: string,
): Promise<ActionResult> {
  const { client, relays } = context;
  switch (action.do) {
    case 'project':
      await relays.get(action.relay)?.shards.put('workspaces', namespace, action.entry);
      onMoved(namespace);
      return 'done';
    case 'createQuota':
      try {
        await client.create(ResourceQuotas, action.quota);
        if (foreign.delete(namespace)) onMoved(namespace);
      } catch (error) {
        // A namespace on its way out refuses what is created in it.
        if (isKubeError(error, 'NotFound', 'Permanent')) return 'done';
        if (!isAlreadyExists(error)) throw error;
        await adoptOrRefuse({ context, foreign, onMoved }, action.quota, namespace);
      }
      return 'done';
    case 'changeQuota': {
      const { metadata, spec } = action.quota;
      const dropped = Object.fromEntries(action.dropped.map((name) => [name, null]));
      const patch = {
        metadata: { ownerReferences: metadata.ownerReferences },
        spec: { hard: { ...spec?.hard, ...dropped } },
      };
      await client.merge(ResourceQuotas, metadata, patch);
      return 'done';
    }
    case 'deleteQuota':
      await client.remove(ResourceQuotas, { namespace, name: action.name }, { uid: action.uid });
      return 'done';
    default:
      return action satisfies never;
  }
}

/**
 * There is one that the cache does not show: somebody else's; or ours, a moment ahead of its event, or without the label by
 * which we know it, which it gets again.
 */
async function adoptOrRefuse(
  { context, foreign, onMoved }: WorkspaceParts,
  { metadata: { name, labels } }: ResourceQuota,
  namespace: string,
): Promise<void> {
  const present = await context.client.find(ResourceQuotas, { namespace, name });
  const isOurs = present?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'migosmtp-operator';
  if (present !== undefined && isOurs && present.metadata.labels?.[PLAN_LABEL] === undefined) {
    const { uid } = present.metadata;
    await context.client.merge(ResourceQuotas, present.metadata, { metadata: { uid, labels } });
  }
  if (present === undefined || isOurs) foreign.delete(namespace);
  else foreign.add(namespace);
  onMoved(namespace);
}
