/** Ready, Reconciling and Stalled of a domain: where it stands, in a sentence. Pure. */
import { condition, findCondition, isEqual, type ConditionDraft } from '../../runtime/index.ts';
import { isClaimedByAnother, nextCheckAt, wantedEntry, type Case } from './case.ts';
import { stepConditions } from './conditions.ts';
import * as Reason from './reasons.ts';
import type { RequiredRecord } from './records.ts';

/** All conditions, Ready first. */
export function verdictOf(given: Case): ConditionDraft[] {
  const { check, domain, proof, records, selectors, grace } = given;
  const isResting = check === undefined && nextCheckAt(given) > given.now.getTime();
  if (isResting) return presentConditions(given);
  const findings = check?.findings ?? [];
  const steps = stepConditions({ spec: domain.spec, records, findings, proof, selectors, grace });
  const ready = readiness(given);
  const isClaimed = ready.reason === Reason.CLAIMED;
  return [
    ready,
    ...steps.map((step) =>
      isClaimed && step.type === 'OwnershipVerified' ? { ...ready, type: step.type } : step,
    ),
    condition('Reconciling', ready.status === 'Unknown' ? 'True' : 'False', ready.reason, ready.message),
    stalled(given, ready),
  ];
}

function presentConditions({ domain }: Case): ConditionDraft[] {
  return (domain.status?.conditions ?? []).map(({ type, status, reason, message }) =>
    condition(type, status, reason, message),
  );
}

function stalled({ domain, name }: Case, ready: ConditionDraft): ConditionDraft {
  if (domain.spec.domain !== name) {
    const message = `spec.domain is immutable and was ${name}, which stays under verification: delete the object and create another`;
    return condition('Stalled', 'True', Reason.IMMUTABLE, message);
  }
  return condition(
    'Stalled',
    ready.reason === Reason.CLAIMED ? 'True' : 'False',
    ready.reason,
    ready.message,
  );
}

function readiness(given: Case): ConditionDraft {
  const { assessment, proof, name } = given;
  const wasReady = proof?.readyAt !== undefined;
  const outstanding = listOf(assessment.outstanding);
  if (isClaimedByAnother(given)) {
    const message = `another namespace has verified ${name} on this relay, and its record stands: it has to give the domain up first`;
    return condition('Ready', 'False', Reason.CLAIMED, message);
  }
  if (assessment.outstanding.length === 0) return served(given);
  if (wasReady && !assessment.isOwned) {
    const message = `${name} does not send until DNS shows ${outstanding} again`;
    return condition('Ready', 'False', Reason.OWNERSHIP_LOST, message);
  }
  if (wasReady) {
    return condition('Ready', 'False', Reason.RECORDS_LOST, `DNS does not show ${outstanding} any more`);
  }
  const isBlind = assessment.outstanding.every((record) => assessment.unknown.includes(record));
  return isBlind
    ? condition('Ready', 'Unknown', Reason.DNS_UNAVAILABLE, `DNS cannot be asked for ${outstanding}`)
    : condition(
        'Ready',
        'Unknown',
        Reason.AWAITING_DNS,
        `publish ${outstanding}: the values are in status.dnsRecords`,
      );
}

/** Everything that Ready needs is in DNS. */
function served(given: Case): ConditionDraft {
  const { assessment, name } = given;
  const waiting = awaitedRelay(given);
  if (waiting !== undefined) return waiting;
  if (assessment.inGrace.length > 0) {
    const message = `${name} sends; DNS does not show ${listOf(assessment.inGrace)} any more`;
    return condition('Ready', 'True', Reason.GRACE, message);
  }
  // The next key is expected to be absent until somebody publishes it.
  const warnings = listOf(assessment.warnings.filter(({ slot }) => slot !== 'dkimNext'));
  return warnings === ''
    ? condition('Ready', 'True', Reason.VERIFIED, `${name} is verified and may be sent from`)
    : condition('Ready', 'True', Reason.WARNINGS, `${name} may be sent from; not right in DNS: ${warnings}`);
}

/** A pod that starts or a relay that is restarted does not unmake what was ready. */
function awaitedRelay(given: Case): ConditionDraft | undefined {
  const { domain, serving, name } = given;
  const isOnRelay = serving.pods === 'applied' && isEqual(serving.entry, wantedEntry(given));
  if (isOnRelay || findCondition(domain.status?.conditions, 'Ready')?.status === 'True') return undefined;
  return serving.pods === 'none' || serving.pods === 'closed'
    ? condition(
        'Ready',
        'Unknown',
        Reason.RELAY_UNAVAILABLE,
        `${name} is verified; no pod of the relay is ready`,
      )
    : condition(
        'Ready',
        'Unknown',
        Reason.RELAY_PENDING,
        `${name} is verified, and on its way to the relay's pods`,
      );
}

/** Records by name, for messages. */
function listOf(records: readonly RequiredRecord[]): string {
  return records.map(({ slot, type, name }) => `${slot} (${type} ${name})`).join(', ');
}
