/** The VerifiedDomain controller: what wakes it, and what is told of a failure. */
import type { VerifiedDomain, VerifiedDomainStatus } from '../../api/index.ts';
import { BY_DOMAIN, BY_NAMESPACE } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import { createDnsLookup } from '../../dns/index.ts';
import {
  isEqual,
  keyOf,
  prepareController,
  watchOwn,
  watchWith,
  type Key,
  type PreparedController,
  type Watch,
} from '../../runtime/index.ts';
import { decide } from './decide.ts';
import { statusAfterError } from './failure.ts';
import { LedgerStore } from './ledger-store.ts';
import { observe, type Memory } from './observe.ts';
import { perform, type PerformParts } from './perform.ts';
import type { Action, Snapshot } from './snapshot.ts';

interface Parts extends PerformParts {
  /** Domains that wait for pods of their relay. */
  awaitingPods: Map<Key, Key>;
}

export function createVerifiedDomainController(context: OperatorContext): PreparedController {
  const parts: Parts = {
    context,
    ledgers: new LedgerStore(context.client),
    memory: new Map<Key, Memory>(),
    grace: context.options.domainGrace,
    lookup: createDnsLookup({ servers: context.options.dnsServers?.slice() }),
    add: () => undefined,
    awaitingPods: new Map(),
  };
  const { domains } = context.caches;
  return prepareController<VerifiedDomain, Snapshot, Action, VerifiedDomainStatus>({
    name: 'verified-domain',
    concurrency: 64,
    informer: domains,
    watches: [
      watchOwn(domains),
      watchWith(domains, (change) => (change.type === 'Updated' ? [] : rivalsOf(parts, change.object))),
      watchWith(context.caches.relays, (change) =>
        change.object.metadata.generation === change.previous?.metadata.generation ? [] : allKeys(parts),
      ),
      watchWith(context.caches.namespaces, (change) =>
        isEqual(change.object.metadata.labels, change.previous?.metadata.labels) && change.type === 'Updated'
          ? []
          : concernedBy(parts, change.object.metadata.name),
      ),
      watchRelays(parts),
    ],
    observe: async (key) => {
      const snapshot = await observe(parts, key);
      noteWaiting(parts, snapshot);
      return snapshot;
    },
    objectOf: (snapshot) => snapshot.domain,
    decide,
    apply: (action, snapshot) => perform(parts, action, snapshot),
    statusAfterError,
  });
}

/** Relays open and close, and their pods take changes: only the registry tells. */
function watchRelays(parts: Parts): Watch {
  const { context } = parts;
  return {
    connect: (add) => {
      parts.add = (key) => add(key, false);
      context.relays.onChange((relayKey, change) => {
        // With many accounts pods acknowledge something all the time: that concerns only those that wait for it.
        if (change === 'pods' || change === 'progress') {
          for (const [key, waitsFor] of parts.awaitingPods) if (waitsFor === relayKey) add(key, false);
          return;
        }
        for (const key of allKeys(parts)) add(key, false);
        // Entries whose domain was deleted while nobody looked.
        for (const [key] of context.relays.get(relayKey)?.shards.entries('domains') ?? []) add(key, false);
      });
    },
  };
}

function allKeys({ context }: Parts): Key[] {
  return [...context.caches.domains.values()].map(keyOf);
}

function rivalsOf({ context }: Parts, domain: VerifiedDomain): Key[] {
  const name = domain.status?.domain ?? domain.spec.domain;
  return context.caches.domains
    .byIndex(BY_DOMAIN, name)
    .map(keyOf)
    .filter((key) => key !== keyOf(domain));
}

/** Domains of the namespace, which a relay may admit now, and those that may admit the namespace. */
function concernedBy({ context }: Parts, namespace: string): Key[] {
  const { domains } = context.caches;
  const wide = [...domains.values()].filter(
    ({ spec }) => (spec.allowedNamespaces?.from ?? 'Same') !== 'Same',
  );
  return [...domains.byIndex(BY_NAMESPACE, namespace), ...wide].map(keyOf);
}

function noteWaiting({ awaitingPods }: Parts, { key, relay, serving, domain }: Snapshot): void {
  if (domain !== undefined && relay.found && serving.pods !== 'applied')
    awaitingPods.set(key, keyOf(relay.relay));
  else awaitingPods.delete(key);
}
