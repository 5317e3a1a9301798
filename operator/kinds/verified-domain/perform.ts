/** Does what was decided about a domain: its entry on the relay, its ledger, and the look at DNS. */
import type { VerifiedDomain } from '../../api/index.ts';
import type { DnsLookup } from '../../dns/index.ts';
import { VerifiedDomains } from '../../kube/index.ts';
import { confirmAbsence, isEqual, keyOf, type ActionResult, type Key } from '../../runtime/index.ts';
import { assess } from './assess.ts';
import { selectorsOf } from './case.ts';
import { chooseKeys, makeDkimKey } from './dkim-keys.ts';
import { checkRecords } from './findings.ts';
import { emptyProof, type Ledger } from './ledger.ts';
import type { LedgerOwner } from './ledger-store.ts';
import type { ObserveParts } from './observe.ts';
import { place } from './placement.ts';
import { afterCheck } from './proof.ts';
import type { Action, Snapshot } from './snapshot.ts';

export interface PerformParts extends ObserveParts {
  lookup: DnsLookup;
  /** Reconcile a domain, for changes that no watch shows. */
  add: (key: Key) => void;
}

export async function perform(
  parts: PerformParts,
  action: Action,
  snapshot: Snapshot,
): Promise<ActionResult> {
  const { context, memory } = parts;
  const { key, domain, relay } = snapshot;
  if (action.do === 'serve') {
    if (domain === undefined) await confirmAbsence(context.client, VerifiedDomains, key);
    await place(context, key, relay.found ? keyOf(relay.relay) : undefined, action.entry);
    if (domain !== undefined) return 'observe';
    memory.delete(key);
    return 'done';
  }
  if (domain === undefined || !relay.found) return 'done';
  const owner = { relay: relay.relay, namespace: domain.metadata.namespace!, domain: nameOf(domain) };
  const ledger = snapshot.ledger ?? {
    keys: [],
    proof: undefined,
    resourceVersion: undefined,
    isOwned: false,
  };
  switch (action.do) {
    case 'makeKey': {
      const prefix = domain.spec.dkim?.selectorPrefix ?? 'migo';
      const made = await makeDkimKey(action.keyType, prefix, new Date());
      await parts.ledgers.save(owner, { ...ledger, keys: [...ledger.keys, made] });
      return 'observe';
    }
    case 'dropKey': {
      const keys = ledger.keys.filter(({ selector }) => selector !== action.selector);
      await parts.ledgers.save(owner, { ...ledger, keys });
      return 'observe';
    }
    case 'saveLedger':
      await parts.ledgers.save(owner, ledger);
      return 'observe';
    case 'check':
      return check(parts, action, { ...snapshot, domain, ledger }, owner);
    default:
      return action satisfies never;
  }
}

/** Ask DNS and write down what it proves, before anybody acts on it. */
async function check(
  { lookup, ledgers, memory, grace, add }: PerformParts,
  { records, of }: Extract<Action, { do: 'check' }>,
  { key, domain, ledger, relayAddress = '', rivals }: Snapshot & { domain: VerifiedDomain; ledger: Ledger },
  owner: LedgerOwner,
): Promise<ActionResult> {
  const findings = await checkRecords(lookup, records, { domain: owner.domain, relayAddress });
  const now = new Date();
  const uid = domain.metadata.uid!;
  const before = ledger.proof?.uid === uid ? ledger.proof : emptyProof(uid);
  const selectors = selectorsOf(chooseKeys(domain.spec, ledger.keys, before, now));
  const proof = afterCheck(before, findings, selectors, grace, now);
  const { outstanding } = assess({ spec: domain.spec, records, findings, proof, selectors });
  if (outstanding.length === 0) proof.readyAt ??= now.toISOString();
  const isNews = !isEqual(proof, before);
  if (isNews && !(await ledgers.save(owner, { ...ledger, proof }))) return 'observe';
  memory.set(key, { ...memory.get(key), check: { at: now, findings, of } });
  const hasMoved = (proof.ownership === undefined) !== (before.ownership === undefined);
  if (hasMoved) for (const rival of rivals) add(rival.key);
  return 'observe';
}

function nameOf(domain: VerifiedDomain): string {
  return domain.status?.domain ?? domain.spec.domain;
}
