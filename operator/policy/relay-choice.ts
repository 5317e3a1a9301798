/** Which relay serves an object: the one it names, else the one of its namespace, else the operator's. */
import type { SmtpRelay } from '../api/index.ts';
import { admits } from './namespaces.ts';

export interface RelayQuestion {
  /** Where the account or domain lives. */
  namespace: string;
  /** Undefined: there is no such namespace, as far as is known. */
  namespaceLabels: Record<string, string> | undefined;
  relayRef: { name: string; namespace?: string | undefined } | undefined;
  operatorNamespace: string;
  /** `namespace/name` of the relay that serves it already; kept while several would do. */
  present?: string | undefined;
  /** All relays that there are. */
  relays: Iterable<SmtpRelay>;
}

/** Condition reasons of whatever needs a relay. What each means stands beside it; people match on them. */
export const RELAY_REASONS = {
  /** Ready=Unknown: the relay that spec.relayRef names is not there, or there is none to choose. */
  notFound: 'RelayNotFound',
  /** Ready=False: the relay's spec.allowedNamespaces does not admit this namespace. */
  notAllowed: 'RelayNotAllowed',
  /** Ready=False: several relays would do; spec.relayRef has to name one. */
  ambiguous: 'RelayAmbiguous',
} as const;

export type RelayReason = (typeof RELAY_REASONS)[keyof typeof RELAY_REASONS];

export type RelayAnswer =
  { found: true; relay: SmtpRelay } | { found: false; reason: RelayReason; message: string };

export function chooseRelay(question: RelayQuestion): RelayAnswer {
  const { namespace, relayRef } = question;
  // An object that is being deleted serves nobody new, and must not be mistaken for one that stays.
  const relays = [...question.relays].filter((relay) => relay.metadata.deletionTimestamp === undefined);
  if (relayRef !== undefined) return named(question, relays, relayRef.namespace ?? namespace, relayRef.name);
  const own = relays.filter((relay) => relay.metadata.namespace === namespace);
  const shared = relays.filter(
    (relay) => relay.metadata.namespace === question.operatorNamespace && isAdmitted(question, relay),
  );
  const candidates = own.length > 0 ? own : shared;
  const kept = candidates.find((relay) => keyOf(relay) === question.present);
  if (kept !== undefined) return { found: true, relay: kept };
  const left = relays.find((relay) => keyOf(relay) === question.present);
  if (candidates.length === 0 && left !== undefined) return refused(question, left);
  if (candidates.length > 1) {
    const names = candidates.map(keyOf).toSorted().join(', ');
    return no(RELAY_REASONS.ambiguous, `several relays would do (${names}): name one in spec.relayRef`);
  }
  return candidates[0] === undefined
    ? no(
        RELAY_REASONS.notFound,
        `no SmtpRelay in namespace ${namespace}, and none in ${question.operatorNamespace} that admits it: create one or name one in spec.relayRef`,
      )
    : { found: true, relay: candidates[0] };
}

function named(
  question: RelayQuestion,
  relays: readonly SmtpRelay[],
  home: string,
  name: string,
): RelayAnswer {
  const relay = relays.find((entry) => entry.metadata.namespace === home && entry.metadata.name === name);
  // The same words for absent and not admitted would hide a wrong selector; names of relays are no secret.
  if (relay === undefined) return no(RELAY_REASONS.notFound, `there is no SmtpRelay ${home}/${name}`);
  return isAdmitted(question, relay) ? { found: true, relay } : refused(question, relay);
}

/** Logins end by this: of a namespace that no list shows (yet), nothing is said. */
function refused({ namespace, namespaceLabels }: RelayQuestion, relay: SmtpRelay): RelayAnswer {
  if (namespaceLabels === undefined) {
    return no(
      RELAY_REASONS.notFound,
      `whether SmtpRelay ${keyOf(relay)} admits namespace ${namespace} is not known`,
    );
  }
  return no(
    RELAY_REASONS.notAllowed,
    `SmtpRelay ${keyOf(relay)} does not admit namespace ${namespace}: its spec.allowedNamespaces decides`,
  );
}

function isAdmitted({ namespace, namespaceLabels }: RelayQuestion, relay: SmtpRelay): boolean {
  return admits(relay.spec.allowedNamespaces, relay.metadata.namespace ?? '', namespace, namespaceLabels);
}

function no(reason: RelayReason, message: string): RelayAnswer {
  return { found: false, reason, message };
}

function keyOf(relay: SmtpRelay): string {
  return `${relay.metadata.namespace}/${relay.metadata.name}`;
}
