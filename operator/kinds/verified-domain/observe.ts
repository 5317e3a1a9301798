/** What there is of a domain: caches, ledgers, and how far the relay's pods are. */
import { specProblems, verifiedDomain, type SmtpRelay, type VerifiedDomain } from '../../api/index.ts';
import { BY_DOMAIN } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import { admits, chooseRelay, labelsOf, type RelayAnswer } from '../../policy/index.ts';
import { keyOf, refOf, type Key } from '../../runtime/index.ts';
import { CLOSED, placeOf } from './placement.ts';
import type { Claim } from './claims.ts';
import type { Check } from './findings.ts';
import { LedgerDamaged, type Ledger } from './ledger.ts';
import type { LedgerOwner, LedgerStore } from './ledger-store.ts';
import type { Grace } from './proof.ts';
import type { Snapshot } from './snapshot.ts';

/** What this process remembers of a domain; all of it may be lost. */
export interface Memory {
  check?: (Check & { of: string }) | undefined;
  /** Declaration that was seen last, and since when. */
  declared?: { as: string; since: Date };
}

export interface ObserveParts {
  context: OperatorContext;
  ledgers: LedgerStore;
  memory: Map<Key, Memory>;
  grace: Grace;
}

export async function observe(parts: ObserveParts, key: Key): Promise<Snapshot> {
  const { context, ledgers, memory, grace } = parts;
  const domain = context.caches.domains.get(key);
  const isListed = context.caches.domains.isSynced(refOf(key).namespace);
  if (domain === undefined || domain.metadata.deletionTimestamp !== undefined) {
    return gone(key, isListed, grace);
  }
  const namespace = domain.metadata.namespace!;
  const name = domain.status?.domain ?? domain.spec.domain;
  const relay = relayOf(context, domain);
  const place = placeOf(context, key, relay.found ? keyOf(relay.relay) : undefined);
  const claim = relay.found ? { relay: relay.relay, namespace, domain: name } : undefined;
  const [{ ledger, damage }, rivals] = await Promise.all([
    claim === undefined ? { ledger: undefined, damage: undefined } : readable(ledgers, claim),
    claim === undefined ? [] : rivalsOf(parts, key, name, claim.relay),
  ]);
  return {
    key,
    domain,
    isListed,
    problems: specProblems(verifiedDomain, domain.spec),
    relay,
    relayAddress: place.handle?.facts.host,
    ledger,
    damage,
    rivals,
    check: memory.get(key)?.check,
    since: sinceOf(memory, key, domain),
    serving: await place.serving(),
    workspaces: workspacesOf(context, domain),
    grace,
  };
}

function gone(key: Key, isListed: boolean, grace: Grace): Snapshot {
  return {
    key,
    domain: undefined,
    isListed,
    problems: [],
    relay: { found: false, reason: 'RelayNotFound', message: '' },
    relayAddress: undefined,
    ledger: undefined,
    damage: undefined,
    rivals: [],
    check: undefined,
    since: new Date(0),
    serving: { entry: undefined, pods: CLOSED, isElsewhere: false },
    workspaces: [],
    grace,
  };
}

function relayOf(context: OperatorContext, domain: VerifiedDomain): RelayAnswer {
  const { caches, options, relays } = context;
  const namespace = domain.metadata.namespace!;
  const key = keyOf(domain);
  const serving = [...relays.values()].find((handle) => handle.shards.get('domains', key) !== undefined);
  const chosen = domain.status?.relayRef;
  return chooseRelay({
    namespace,
    namespaceLabels: labelsOf(caches.namespaces.get(namespace)),
    relayRef: domain.spec.relayRef,
    operatorNamespace: options.operatorNamespace,
    present: serving?.key ?? (chosen && `${chosen.namespace}/${chosen.name}`),
    relays: caches.relays.values(),
  });
}

/** Other claims to this domain on this relay. There are hardly ever any, so their ledgers are simply read. */
async function rivalsOf(
  { context, ledgers }: ObserveParts,
  key: Key,
  name: string,
  relay: SmtpRelay,
): Promise<Claim[]> {
  const others = context.caches.domains
    .byIndex(BY_DOMAIN, name)
    .filter((other) => keyOf(other) !== key && other.metadata.deletionTimestamp === undefined)
    .filter((other) => {
      const answer = relayOf(context, other);
      return answer.found && answer.relay.metadata.uid === relay.metadata.uid;
    });
  return Promise.all(
    others.map(async (other) => {
      const { namespace, uid, creationTimestamp } = other.metadata;
      const claim = { relay, namespace: namespace!, domain: name };
      const { ledger, damage } = await readable(ledgers, claim);
      const proof = ledger?.proof?.uid === uid ? ledger?.proof : undefined;
      // A claim whose proof cannot be read is not up for grabs.
      const isHeld = damage !== undefined && placeOf(context, keyOf(other), keyOf(relay)).isServed;
      return {
        key: keyOf(other),
        namespace: namespace!,
        createdAt: creationTimestamp ?? '',
        provenSince: isHeld ? '' : proof?.ownership?.since,
      };
    }),
  );
}

async function readable(
  ledgers: LedgerStore,
  claim: LedgerOwner,
): Promise<{ ledger: Ledger | undefined; damage: string | undefined }> {
  try {
    return { ledger: await ledgers.find(claim), damage: undefined };
  } catch (error) {
    if (error instanceof LedgerDamaged) return { ledger: undefined, damage: error.message };
    throw error;
  }
}

/** A declaration that changes under our eyes starts waiting now; one that we find has waited since its creation. */
function sinceOf(memory: Map<Key, Memory>, key: Key, domain: VerifiedDomain): Date {
  const { uid, generation, annotations, creationTimestamp } = domain.metadata;
  const as = JSON.stringify([uid, generation, annotations]);
  const known = memory.get(key) ?? {};
  memory.set(key, known);
  if (known.declared?.as === as) return known.declared.since;
  const since = known.declared === undefined ? new Date(creationTimestamp ?? Date.now()) : new Date();
  known.declared = { as, since };
  return since;
}

function workspacesOf({ caches }: OperatorContext, domain: VerifiedDomain): string[] {
  const home = domain.metadata.namespace!;
  const { allowedNamespaces } = domain.spec;
  if ((allowedNamespaces?.from ?? 'Same') === 'Same') return [home];
  const admitted = [...caches.namespaces.values()]
    .filter(({ metadata }) => admits(allowedNamespaces, home, metadata.name, metadata.labels))
    .map(({ metadata }) => metadata.name);
  return [...new Set([home, ...admitted])].toSorted();
}
