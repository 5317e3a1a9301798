/** What to do about a domain: an ordered list of rules, the first that applies decides. Pure. */
import type { VerifiedDomainStatus } from '../../api/index.ts';
import {
  condition,
  findCondition,
  isEqual,
  mergeConditions,
  timestampOf,
  type ConditionDraft,
  type EventDraft,
} from '../../runtime/index.ts';
import { caseOf, nextCheckAt, ownClaim, wantedEntry, type Case } from './case.ts';
import { olderSibling } from './claims.ts';
import { recordStates } from './conditions.ts';
import { verdictOf } from './readiness.ts';
import * as Reason from './reasons.ts';
import { listsAll, longestRecordName } from './records.ts';
import type { DomainDecision, Snapshot } from './snapshot.ts';

/** Secrets are not watched. */
const LEDGER_RETRY_MS = 30_000;

type Verdict = Omit<DomainDecision, 'rule'>;

const RULES: [string, (given: Case) => Verdict | undefined][] = [
  ['InvalidSpec', invalidSpec],
  ['NoRelay', noRelay],
  ['RelayNotOpen', relayNotOpen],
  ['LedgerDamaged', ledgerDamaged],
  ['Duplicate', duplicate],
  ['KeyMissing', keyMissing],
  ['KeyRetired', keyRetired],
  ['LedgerOwner', ledgerOwner],
  ['CheckDue', checkDue],
  ['Serve', serve],
];

export function decide(snapshot: Snapshot, now: Date): DomainDecision {
  const { domain } = snapshot;
  if (domain === undefined) {
    return { rule: 'Gone', actions: snapshot.isListed ? [{ do: 'serve', entry: undefined }] : [] };
  }
  const given = caseOf(snapshot, domain, now);
  for (const [rule, judge] of RULES) {
    const verdict = judge(given);
    if (verdict !== undefined) return { rule, ...verdict };
  }
  return { rule: 'Settled', ...settled(given) };
}

/** What was verified before stays on the relay: a typing error in a spec stops nobody's mail. */
function invalidSpec(given: Case): Verdict | undefined {
  const { problems, domain, name } = given;
  const selectorLength = (domain.spec.dkim?.selectorPrefix ?? 'migo').length + '-00000000'.length;
  if (longestRecordName(name, selectorLength) > 253) {
    const message = 'spec.domain: its record names would be longer than 253 characters';
    return { ...stop(given, Reason.INVALID, message), actions: [] };
  }
  if (problems.length === 0) return undefined;
  const message = problems.map((problem) => `${problem.field}: ${problem.message}`).join('; ');
  return { ...stop(given, Reason.INVALID, message), actions: [] };
}

/** What the relay was told stays until the relay is there again: it may be a cache that is behind. */
function noRelay(given: Case): Verdict | undefined {
  const { relay } = given;
  if (relay.found) return undefined;
  if (relay.reason === 'RelayNotAllowed') return stop(given, relay.reason, relay.message);
  const drafts = [
    condition('Ready', 'Unknown', relay.reason, relay.message),
    condition('Reconciling', 'True', relay.reason, relay.message),
    condition('Stalled', 'False', relay.reason, relay.message),
  ];
  return { actions: [], status: statusWith(given, drafts) };
}

/** Its name, which the records hold, is not known yet. The relay's opening brings the key back. */
function relayNotOpen(given: Case): Verdict | undefined {
  const { domain, relayAddress } = given;
  if (relayAddress !== undefined) return undefined;
  if (findCondition(domain.status?.conditions, 'Ready')?.status === 'True')
    return { actions: [], status: domain.status };
  const message = 'the relay is not set up yet: see its conditions';
  const drafts = [
    condition('Ready', 'Unknown', Reason.RELAY_UNAVAILABLE, message),
    condition('Reconciling', 'True', Reason.RELAY_UNAVAILABLE, message),
    condition('Stalled', 'False', Reason.RELAY_UNAVAILABLE, message),
  ];
  return { actions: [], status: statusWith(given, drafts) };
}

/** Keys are never replaced, and proofs never taken away, because a Secret cannot be read. */
function ledgerDamaged(given: Case): Verdict | undefined {
  const { damage } = given;
  if (damage === undefined) return undefined;
  return { ...stop(given, Reason.DAMAGED, damage), actions: [], requeueAfterMs: LEDGER_RETRY_MS };
}

function duplicate(given: Case): Verdict | undefined {
  const older = olderSibling(ownClaim(given), given.rivals);
  if (older === undefined) return undefined;
  return stop(
    given,
    Reason.DUPLICATE,
    `VerifiedDomain ${older.key} declares ${given.name} already: delete one`,
  );
}

function keyMissing({ keys }: Case): Verdict | undefined {
  return keys.missing === undefined ? undefined : { actions: [{ do: 'makeKey', keyType: keys.missing }] };
}

function keyRetired({ keys }: Case): Verdict | undefined {
  return keys.retired === undefined ? undefined : { actions: [{ do: 'dropKey', selector: keys.retired }] };
}

function ledgerOwner({ ledger, relay }: Case): Verdict | undefined {
  const shouldBeOwned = relay.found && relay.relay.spec.deletionPolicy === 'Delete';
  return ledger?.isOwned === shouldBeOwned ? undefined : { actions: [{ do: 'saveLedger' }] };
}

/** The records stand in status before the first query: whoever publishes them need not wait for DNS. */
function checkDue(given: Case): Verdict | undefined {
  const { records, of, domain } = given;
  if (nextCheckAt(given) > given.now.getTime()) return undefined;
  const isStatusFirst = !listsAll(domain.status?.dnsRecords, records);
  return {
    actions: [{ do: 'check', records, of }],
    status: statusWith(given, verdictOf(given)),
    isStatusFirst,
  };
}

/** Put on the relay once proven, taken off when that is over; the entry follows every change. */
function serve(given: Case): Verdict | undefined {
  const entry = wantedEntry(given);
  const { serving } = given;
  const isPlaced = serving.pods === 'closed' || isEqual(serving.entry, entry);
  if (isPlaced && !serving.isElsewhere) return undefined;
  return { actions: [{ do: 'serve', entry }], status: statusWith(given, verdictOf(given)) };
}

function settled(given: Case): Verdict {
  const drafts = verdictOf(given);
  const untilCheckMs = Math.max(50, nextCheckAt(given) - given.now.getTime());
  return {
    actions: [],
    status: statusWith(given, drafts),
    events: eventsOf(given, drafts),
    requeueAfterMs: given.serving.pods === 'late' ? Math.min(untilCheckMs, 1000) : untilCheckMs,
  };
}

/** A domain that cannot be verified as it stands; it is taken off the relay. */
function stop(given: Case, reason: string, message: string): Verdict {
  const drafts = [
    condition('Ready', 'False', reason, message),
    condition('Reconciling', 'False', reason, message),
    condition('Stalled', 'True', reason, message),
  ];
  const { entry, isElsewhere } = given.serving;
  return {
    actions: entry === undefined && !isElsewhere ? [] : [{ do: 'serve', entry: undefined }],
    status: statusWith(given, drafts),
    events: eventsOf(given, drafts),
  };
}

function statusWith(given: Case, drafts: readonly ConditionDraft[]): VerifiedDomainStatus {
  const { domain, now, relay, ledger, records, check, proof } = given;
  const before = domain.status;
  const { generation } = domain.metadata;
  const present = before?.dnsRecords;
  const dnsRecords =
    relay.found && given.relayAddress !== undefined && ledger !== undefined
      ? recordStates(records, check, proof?.readyAt !== undefined, present)
      : present;
  const ref = relay.found
    ? { name: relay.relay.metadata.name, namespace: relay.relay.metadata.namespace! }
    : before?.relayRef;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    domain: given.name,
    ...(ref && { relayRef: ref }),
    ...(dnsRecords && { dnsRecords }),
    ...(proof?.ownership && { verifiedAt: timestampOf(new Date(proof.ownership.since)) }),
    conditions: mergeConditions(before?.conditions, drafts, generation, now),
  };
}

/** One event when Ready moves for a reason that people want to know of. */
function eventsOf({ domain }: Case, drafts: readonly ConditionDraft[]): EventDraft[] {
  const ready = drafts.find(({ type }) => type === 'Ready');
  const before = findCondition(domain.status?.conditions, 'Ready');
  if (ready === undefined || ready.status === 'Unknown' || before?.reason === ready.reason) return [];
  const type = ready.status === 'True' ? 'Normal' : 'Warning';
  return [{ type, reason: ready.reason, message: ready.message }];
}
