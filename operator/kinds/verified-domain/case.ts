/** A domain that is there, with everything that follows from its snapshot alone. Pure. */
import { durationMs, type VerifiedDomain, type relayApi } from '../../api/index.ts';
import { findCondition } from '../../runtime/index.ts';
import { assess, findingFor, type Assessment } from './assess.ts';
import { owningClaim, type Claim } from './claims.ts';
import { chooseKeys, type KeyChoice } from './dkim-keys.ts';
import type { Check } from './findings.ts';
import type { Proof } from './ledger.ts';
import { listsAll, requiredRecords, returnPathDomain, type RequiredRecord } from './records.ts';
import { nextCheckMs } from './schedule.ts';
import type { Snapshot } from './snapshot.ts';

export interface Case extends Omit<Snapshot, 'check'> {
  domain: VerifiedDomain;
  now: Date;
  /** The domain under verification: the first one that the object had. */
  name: string;
  /** What DNS has proven for this very object. */
  proof: Proof | undefined;
  keys: KeyChoice;
  records: RequiredRecord[];
  /** Selectors that the DKIM slots stand for. */
  selectors: Partial<Record<string, string>>;
  /** The last check of this declaration by this process. */
  check: Check | undefined;
  assessment: Assessment;
  /** Names this declaration; another one is checked at once. */
  of: string;
}

/** Any new value of this annotation checks the records at once. */
export const RECHECK_ANNOTATION = 'migosmtp.com/recheck';

export function caseOf(snapshot: Snapshot, domain: VerifiedDomain, now: Date): Case {
  const { spec, metadata } = domain;
  const name = domain.status?.domain ?? spec.domain;
  const stored = snapshot.ledger?.proof;
  const proof = stored?.uid === metadata.uid ? stored : undefined;
  const keys = chooseKeys(spec, snapshot.ledger?.keys ?? [], proof, now);
  const selectors = selectorsOf(keys);
  const records = requiredRecords({
    spec,
    domain: name,
    namespace: metadata.namespace!,
    relayAddress: snapshot.relayAddress ?? '',
    hasBounces: snapshot.relay.found && snapshot.relay.relay.spec.bounces?.enabled === true,
    keys: keys.listed,
  });
  const of = JSON.stringify([
    metadata.uid,
    metadata.generation,
    metadata.annotations?.[RECHECK_ANNOTATION],
    records.map((record) => [record.name, record.value]),
  ]);
  const check = snapshot.check?.of === of ? snapshot.check : undefined;
  const assessment = assess({ spec, records, findings: check?.findings ?? [], proof, selectors });
  return { ...snapshot, domain, now, name, proof, keys, records, selectors, check, assessment, of };
}

export function selectorsOf(keys: KeyChoice): Partial<Record<string, string>> {
  return Object.fromEntries(Object.entries(keys.listed).map(([slot, key]) => [slot, key.selector]));
}

export function ownClaim({ key, domain, proof }: Case): Claim {
  const { namespace, creationTimestamp } = domain.metadata;
  return {
    key,
    namespace: namespace!,
    createdAt: creationTimestamp ?? '',
    provenSince: proof?.ownership?.since,
  };
}

/** Whether another namespace owns the domain on this relay. */
export function isClaimedByAnother(given: Case): boolean {
  const owner = owningClaim([ownClaim(given), ...given.rivals]);
  return owner !== undefined && owner.key !== given.key;
}

/** What the relay is to know of the domain; undefined: nothing, it may not send. */
export function wantedEntry(given: Case): relayApi.DomainConfig | undefined {
  const { assessment, domain, keys, name, workspaces } = given;
  if (!assessment.isOwned || isClaimedByAnother(given)) return undefined;
  return {
    id: domain.metadata.uid!,
    domain: name,
    namespace: domain.metadata.namespace!,
    name: domain.metadata.name,
    workspaces: [...workspaces],
    // Only keys that DNS shows: a signature that nobody can check is worse for a message than none.
    dkim: keys.signing.map(({ selector, keyType, privateKeyPem }) => ({ selector, keyType, privateKeyPem })),
    ...(leadsBouncesHere(given) ? { returnPath: returnPathDomain(name) } : {}),
  };
}

/**
 * Hosts refuse senders whose domain takes no mail, and mistrust one without SPF: both records have to be there. What
 * nobody knows changes nothing.
 */
function leadsBouncesHere({ records, check, serving }: Case): boolean {
  const asked = records.filter(({ slot, isChecked }) => slot.startsWith('returnPath') && isChecked);
  const verdicts = asked.map(({ slot }) => findingFor(check?.findings ?? [], slot)?.verdict ?? 'unknown');
  if (verdicts.length === 0 || !verdicts.every((verdict) => ['valid', 'unknown'].includes(verdict)))
    return false;
  return verdicts.includes('unknown') ? serving.entry?.returnPath !== undefined : true;
}

/** In ms since 1970. */
export function nextCheckAt(given: Case): number {
  const { check, domain, assessment, grace } = given;
  const recheckMs = durationMs(domain.spec.recheckInterval ?? '1h');
  if (check === undefined) return restingUntil(given, recheckMs);
  const waitMs = nextCheckMs({
    now: check.at,
    awaitedSince: assessment.outstanding.length > 0 ? awaitedSince(given, check.at) : undefined,
    hasWarnings: assessment.warnings.length > 0,
    hasUnknowns: assessment.unknown.length > 0,
    inGrace: assessment.inGrace.length > 0,
    recheckMs,
    grace,
  });
  return check.at.getTime() + waitMs;
}

/**
 * Without a check by this process: what status says of the last one, if it speaks of this declaration. So a restarted
 * operator leaves domains alone that were right and are not due: no wave of queries, no write.
 */
function restingUntil({ domain, records }: Case, recheckMs: number): number {
  const { status, metadata } = domain;
  const isReady = findCondition(status?.conditions, 'Ready')?.status === 'True';
  if (!isReady || status?.observedGeneration !== metadata.generation) return 0;
  if (!listsAll(status?.dnsRecords, records)) return 0;
  const checked = Object.values(status?.dnsRecords ?? {}).flatMap((record) => record?.lastCheckedAt ?? []);
  return checked.length === 0 ? 0 : Math.max(...checked.map((at) => Date.parse(at))) + recheckMs;
}

/** A domain that was Ready and is not any more begins to wait anew. */
function awaitedSince({ since, domain }: Case, checkedAt: Date): Date {
  const ready = findCondition(domain.status?.conditions, 'Ready');
  const movedAt =
    ready?.status === 'True' ? checkedAt.getTime() : Date.parse(ready?.lastTransitionTime ?? '1970-01-01');
  return new Date(Math.max(since.getTime(), movedAt));
}
