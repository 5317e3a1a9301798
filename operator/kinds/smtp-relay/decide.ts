/**
 * What to do about a relay: an ordered list of rules, the first that applies decides. Pure.
 *
 * Certificates first, then the shards are opened, then the objects are applied; Ready follows from what the pods do.
 */
import type { SmtpRelay, SmtpRelayStatus } from '../../api/index.ts';
import { RELAY_LABEL } from '../../caches.ts';
import { OPERATOR_LABELS } from '../../options.ts';
import type { Resource } from '../../kube/index.ts';
import { covers, isEqual, isTrue, type Decision, type EventDraft } from '../../runtime/index.ts';
import { certificateAction, type CertificateAction } from './certificates.ts';
import { LONGEST_NAME, namesOf } from './names.ts';
import { wantedObjects, type Wanted } from './objects.ts';
import { relaySettings } from './settings.ts';
import type { RelaySnapshot } from './snapshot.ts';
import { REASONS } from './reasons.ts';
import { statusOf } from './status.ts';

export type RelayAction =
  | CertificateAction
  | { do: 'open' }
  | { do: 'close' }
  | { do: 'facts' }
  | { do: 'settings' }
  | { do: 'apply'; wanted: Wanted }
  | { do: 'remove'; resource: Resource; name: string };

type RelayDecision = Decision<RelayAction, SmtpRelayStatus>;

export function decideRelay(snapshot: RelaySnapshot, now: Date): RelayDecision {
  const { relay } = snapshot;
  if (relay === undefined || relay.metadata.deletionTimestamp !== undefined) {
    return { rule: 'Gone', actions: [{ do: 'close' }] };
  }
  for (const rule of RULES) {
    const decision = rule(snapshot, relay, now);
    if (decision !== undefined) return decision;
  }
  return converge(snapshot, relay, now);
}

type Rule = (snapshot: RelaySnapshot, relay: SmtpRelay, now: Date) => RelayDecision | undefined;

const RULES: Rule[] = [
  invalidSpec,
  nameTooLong,
  foreignObject,
  dueCertificate,
  storageChanged,
  missingReference,
  closed,
];

function invalidSpec(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const problem = snapshot.problems[0];
  if (problem === undefined) return undefined;
  const message = `${problem.field}: ${problem.message}`;
  return stalled(snapshot, relay, now, REASONS.invalidSpec, message);
}

function nameTooLong(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  if (relay.metadata.name.length <= LONGEST_NAME) return undefined;
  const message = `the name of an SmtpRelay has at most ${LONGEST_NAME} characters, as Services are named after it`;
  return stalled(snapshot, relay, now, REASONS.invalidSpec, message);
}

/** An object of a name that we need, made by somebody else, is neither overwritten nor taken over. */
function foreignObject(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  for (const [name, object] of Object.entries(snapshot.live)) {
    if (object.metadata.labels?.[RELAY_LABEL] === relay.metadata.name) continue;
    const message = `${name} ${object.metadata.namespace}/${object.metadata.name} exists and is not the operator's: delete or rename it, or choose another name for the SmtpRelay`;
    return stalled(snapshot, relay, now, REASONS.objectConflict, message);
  }
  return undefined;
}

function dueCertificate(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const action = certificateAction(relay, snapshot.secrets, now);
  return action === undefined ? undefined : { rule: 'DueCertificate', actions: [action] };
}

/** Pods on another store would leave behind what was accepted into the present one. */
function storageChanged(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const present = storageOf(snapshot.live.deployment);
  const wanted = relay.spec.storage?.postgres === undefined ? 'embedded' : 'postgres';
  if (present === undefined || present === wanted) return undefined;
  const message = `storage cannot change from ${present} to ${wanted}: mail that was accepted would stay behind. Set it back; or make another SmtpRelay and move the accounts; or, once the queue is empty, delete this one and create it again`;
  return stalled(snapshot, relay, now, REASONS.storageChanged, message);
}

/** The store of the pods as they run; undefined without pods. */
function storageOf(deployment: RelaySnapshot['live']['deployment']): 'embedded' | 'postgres' | undefined {
  const { spec } = (deployment ?? {}) as {
    spec?: { template?: { spec?: { volumes?: { name: string; persistentVolumeClaim?: object }[] } } };
  };
  const store = spec?.template?.spec?.volumes?.find(({ name }) => name === 'store');
  if (store === undefined) return undefined;
  return store.persistentVolumeClaim === undefined ? 'postgres' : 'embedded';
}

/** A Secret that the spec names is not there yet. A relay that serves goes on with what it has. */
function missingReference(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const { credentials, nextHopCa, postgres, webhooks, secrets } = snapshot;
  const missing = [credentials, nextHopCa, postgres, ...webhooks].flatMap((ref) =>
    ref.is === 'missing' ? [ref.what] : [],
  );
  if (relay.spec.tls !== undefined && !hasCertificate(secrets.certificate)) {
    missing.unshift(`Secret ${relay.spec.tls.secretName} with tls.crt and tls.key`);
  }
  if (missing.length === 0) return undefined;
  const said = {
    reason: REASONS.secretMissing,
    message: `waits for ${missing.join(', ')}: create what is missing`,
  };
  const status = statusOf(snapshot, relay, now, { kind: 'waiting', ...said });
  return { rule: 'MissingReference', actions: [], status, requeueAfterMs: 2_000 };
}

function closed(snapshot: RelaySnapshot): RelayDecision | undefined {
  return snapshot.projection === undefined ? { rule: 'Closed', actions: [{ do: 'open' }] } : undefined;
}

function converge(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision {
  const actions: RelayAction[] = [{ do: 'facts' }];
  if (!isEqual(snapshot.projection?.settings, settingsOf(snapshot, relay))) actions.push({ do: 'settings' });
  for (const wanted of objectsOf(snapshot, relay)) {
    if (!isAsWanted(snapshot, wanted)) actions.push({ do: 'apply', wanted });
  }
  if (snapshot.live.budget !== undefined && !actions.some(isBudget) && (relay.spec.replicas ?? 1) <= 1) {
    const resource = snapshot.capabilities.podDisruptionBudgets;
    if (resource !== undefined) actions.push({ do: 'remove', resource, name: namesOf(relay).workload });
  }
  const status = isJustOpened(snapshot, relay)
    ? undefined
    : statusOf(snapshot, relay, now, { kind: 'converging' });
  return {
    rule: 'Converge',
    actions,
    status,
    events: heldEvent(snapshot),
    requeueAfterMs: snapshot.recheckMs,
  };
}

/** An operator that has started asks the pods within moments: until then what is known of a Ready relay stands. */
function isJustOpened({ projection }: RelaySnapshot, relay: SmtpRelay): boolean {
  const { generation } = relay.metadata;
  const isSettled =
    relay.status?.observedGeneration === generation && isTrue(relay.status?.conditions, 'Ready');
  const serving = (projection?.pods ?? []).filter((pod) => pod.isServing);
  return isSettled && serving.some((pod) => pod.appliedRevision === 0 && pod.problem === undefined);
}

export function settingsOf(snapshot: RelaySnapshot, relay: SmtpRelay): ReturnType<typeof relaySettings> {
  const { credentials, nextHopCa, webhooks } = snapshot;
  return relaySettings(relay, {
    credentials: credentials.is === 'there' ? credentials.value : undefined,
    caPem: nextHopCa.is === 'there' ? nextHopCa.value : undefined,
    webhooks: webhooks.flatMap((ref) => (ref.is === 'there' ? [ref.value] : [])),
  });
}

function objectsOf(snapshot: RelaySnapshot, relay: SmtpRelay): Wanted[] {
  const claim = snapshot.live.claim as
    { spec?: { resources?: { requests?: { storage?: string } } } } | undefined;
  return wantedObjects(relay, {
    relayImage: snapshot.relayImage,
    capabilities: snapshot.capabilities,
    claimedSize: claim?.spec?.resources?.requests?.storage,
    policy: {
      operator: { namespace: snapshot.operatorNamespace, labels: OPERATOR_LABELS },
      postgresPort: snapshot.postgres.is === 'there' ? snapshot.postgres.value : undefined,
    },
  });
}

/**
 * What is there has all that we want. Where the server stores a field in another form than we wrote it, the version
 * that our own last write made counts as wanted: it would only be written again without end.
 */
function isAsWanted({ live, applied }: RelaySnapshot, { name, object }: Wanted): boolean {
  const present = live[name];
  if (present === undefined) return false;
  if (covers(present, object)) return true;
  return applied.get(present.metadata.uid ?? '') === markOf(present, object);
}

/** Names a state of an object together with what was wanted of it. */
export function markOf(present: Wanted['object'], wanted: Wanted['object']): string {
  return `${present.metadata.generation ?? present.metadata.resourceVersion}|${JSON.stringify(wanted)}`;
}

function hasCertificate(secret: RelaySnapshot['secrets']['certificate']): boolean {
  return secret?.data?.['tls.crt'] !== undefined && secret.data['tls.key'] !== undefined;
}

function isBudget(action: RelayAction): boolean {
  return action.do === 'apply' && action.wanted.name === 'budget';
}

function heldEvent({ projection }: RelaySnapshot): EventDraft[] {
  const held = projection?.held;
  if (held === undefined) return [];
  const message = `${held.count} accounts vanished at once; their logins are kept until confirmed or ${held.until.toISOString()}`;
  return [{ type: 'Warning', reason: REASONS.massRemoval, message }];
}

function stalled(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
  reason: string,
  message: string,
): RelayDecision {
  const status = statusOf(snapshot, relay, now, { kind: 'stalled', reason, message });
  return { rule: reason, actions: [], status, requeueAfterMs: snapshot.recheckMs };
}
