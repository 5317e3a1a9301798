/**
 * What to do about a relay: an ordered list of rules, the first that applies decides. Pure.
 *
 * Certificates first, then the shards are opened, then the objects are applied; Ready follows from what the pods do.
 */
import type { SmtpRelay, SmtpRelayStatus } from '../../api/index.ts';
import { OPERATOR_LABELS } from '../../options.ts';
import type { Resource } from '../../kube/index.ts';
import { covers, isEqual, isTrue, type Decision, type EventDraft } from '../../runtime/index.ts';
import { certificateAction, type CertificateAction } from './certificates.ts';
import {
  foreignObject,
  invalidSpec,
  missingCertificate,
  missingReference,
  nameTooLong,
  storageChanged,
} from './guards.ts';
import { namesOf } from './names.ts';
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

export type RelayDecision = Decision<RelayAction, SmtpRelayStatus>;

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
  missingCertificate,
  closed,
  storageChanged,
  missingReference,
];

function dueCertificate(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const action = certificateAction(relay, snapshot.secrets, now);
  return action === undefined ? undefined : { rule: 'DueCertificate', actions: [action] };
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

function isBudget(action: RelayAction): boolean {
  return action.do === 'apply' && action.wanted.name === 'budget';
}

function heldEvent({ projection }: RelaySnapshot): EventDraft[] {
  const held = projection?.held;
  if (held === undefined) return [];
  const message = `${held.count} accounts vanished at once; their logins are kept until confirmed or ${held.until.toISOString()}`;
  return [{ type: 'Warning', reason: REASONS.massRemoval, message }];
}
