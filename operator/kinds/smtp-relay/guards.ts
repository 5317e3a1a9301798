/** What stands in the way of a relay: a wrong spec, objects and Secrets of others or of nobody. Pure. */
import type { SmtpRelay } from '../../api/index.ts';
import { RELAY_LABEL } from '../../caches.ts';
import type { RelayDecision } from './decide.ts';
import { LONGEST_NAME } from './names.ts';
import { REASONS } from './reasons.ts';
import type { RelaySnapshot } from './snapshot.ts';
import { statusOf } from './status.ts';

export function invalidSpec(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  const problem = snapshot.problems[0];
  if (problem === undefined) return undefined;
  const message = `${problem.field}: ${problem.message}`;
  return stalled(snapshot, relay, now, REASONS.invalidSpec, message);
}

export function nameTooLong(snapshot: RelaySnapshot, relay: SmtpRelay, now: Date): RelayDecision | undefined {
  if (relay.metadata.name.length <= LONGEST_NAME) return undefined;
  const message = `the name of an SmtpRelay has at most ${LONGEST_NAME} characters, as Services are named after it`;
  return stalled(snapshot, relay, now, REASONS.invalidSpec, message);
}

/** An object of a name that we need, made by somebody else, is neither overwritten nor taken over. */
export function foreignObject(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
): RelayDecision | undefined {
  for (const [name, object] of Object.entries(snapshot.live)) {
    if (object.metadata.labels?.[RELAY_LABEL] === relay.metadata.name) continue;
    const message = `${name} ${object.metadata.namespace}/${object.metadata.name} exists and is not the operator's: delete or rename it, or choose another name for the SmtpRelay`;
    return stalled(snapshot, relay, now, REASONS.objectConflict, message);
  }
  return undefined;
}

/** Pods on another store would leave behind what was accepted into the present one. */
export function storageChanged(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
): RelayDecision | undefined {
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

/** Before the relay is opened: without its certificate nobody knows what accounts are to trust. */
export function missingCertificate(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
): RelayDecision | undefined {
  if (relay.spec.tls === undefined || hasCertificate(snapshot.secrets.certificate)) return undefined;
  return waitingFor(snapshot, relay, now, [`Secret ${relay.spec.tls.secretName} with tls.crt and tls.key`]);
}

/**
 * A Secret that the spec names is not there yet. A relay that serves goes on with what it has: it is open by now, so that
 * an operator that was restarted meanwhile gives logins and takes them away all the same.
 */
export function missingReference(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
): RelayDecision | undefined {
  const { credentials, nextHopCa, postgres, webhooks } = snapshot;
  const missing = [credentials, nextHopCa, postgres, ...webhooks].flatMap((ref) =>
    ref.is === 'missing' ? [ref.what] : [],
  );
  return missing.length === 0 ? undefined : waitingFor(snapshot, relay, now, missing);
}

function waitingFor(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
  missing: readonly string[],
): RelayDecision {
  const said = {
    reason: REASONS.secretMissing,
    message: `waits for ${missing.join(', ')}: create what is missing`,
  };
  const status = statusOf(snapshot, relay, now, { kind: 'waiting', ...said });
  return { rule: 'MissingReference', actions: [], status, requeueAfterMs: 2_000 };
}

function hasCertificate(secret: RelaySnapshot['secrets']['certificate']): boolean {
  return secret?.data?.['tls.crt'] !== undefined && secret.data['tls.key'] !== undefined;
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
