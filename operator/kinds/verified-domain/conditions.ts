/** Conditions and record states of a domain, in the words that people read. Pure. */
import type { DnsRecord } from '../../api/index.ts';
import { condition, timestampOf, type ConditionDraft } from '../../runtime/index.ts';
import { findingFor, streakOf, type AssessmentInput } from './assess.ts';
import type { Check, Finding } from './findings.ts';
import type { Streak } from './ledger.ts';
import type { Grace } from './proof.ts';
import { isSame, type DnsRecords, type RecordSlot, type RequiredRecord } from './records.ts';
import * as Reason from './reasons.ts';

export interface StepInput extends AssessmentInput {
  grace: Grace;
}

/** OwnershipVerified, DKIMValid, SPFValid, DMARCValid; those that are ignored are left out. */
export function stepConditions(input: StepInput): ConditionDraft[] {
  const steps: [string, RecordSlot[]][] = [
    ['OwnershipVerified', ['ownership']],
    ['DKIMValid', ['dkim', 'dkimEd25519']],
    ['SPFValid', ['spf', 'returnPathSpf']],
    ['DMARCValid', ['dmarc']],
  ];
  return steps.flatMap(([type, slots]) => {
    const drafts = input.records
      .filter((record) => record.isChecked && slots.includes(record.slot))
      .map((record) => stepCondition(type, record, input));
    return worst(drafts) ?? [];
  });
}

function stepCondition(type: string, record: RequiredRecord, input: StepInput): ConditionDraft {
  const finding = findingFor(input.findings, record.slot);
  const streak = streakOf(input.proof, record.slot, input.selectors);
  const at = `${record.type} ${record.name}`;
  switch (finding?.verdict) {
    case undefined:
      return condition(type, 'Unknown', Reason.NOT_CHECKED, `${at} has not been looked up yet`);
    case 'valid':
      return condition(type, 'True', Reason.FOUND, `${at} is right`);
    case 'unknown':
      return condition(
        type,
        'Unknown',
        Reason.LOOKUP_FAILED,
        `${at} could not be looked up: ${finding.problem}; what was known before stays`,
      );
    case 'missing':
    case 'wrong':
      return absent(type, at, finding, streak, input.grace);
  }
}

function absent(
  type: string,
  at: string,
  finding: Finding,
  streak: Streak | undefined,
  grace: Grace,
): ConditionDraft {
  const reason = finding.verdict === 'missing' ? Reason.MISSING : Reason.WRONG;
  if (streak?.failingSince === undefined)
    return condition(type, 'False', reason, `${at}: ${finding.problem}`);
  const end = timestampOf(new Date(Date.parse(streak.failingSince) + grace.periodMs));
  const message = `${at}: ${finding.problem} since ${streak.failingSince}; it counts as lost after ${grace.checks} such checks and not before ${end}`;
  return condition(type, 'Unknown', reason, message);
}

/** False before Unknown before True. */
function worst(drafts: readonly ConditionDraft[]): ConditionDraft | undefined {
  return ['False', 'Unknown', 'True'].flatMap((status) =>
    drafts.filter((draft) => draft.status === status),
  )[0];
}

/** lastCheckedAt alone is not worth a write more often than this. */
const COARSE_MS = 60_000;

/** `check` undefined: what status says of a record that has not changed is carried on. */
export function recordStates(
  records: readonly RequiredRecord[],
  check: Check | undefined,
  wasReady: boolean,
  present: DnsRecords | undefined,
): DnsRecords {
  return Object.fromEntries(
    records.map((record) => [record.slot, recordState(record, check, wasReady, present?.[record.slot])]),
  );
}

function recordState(
  { slot, type, name, value, isChecked }: RequiredRecord,
  check: Check | undefined,
  wasReady: boolean,
  before: DnsRecord | undefined,
): DnsRecord {
  const listed = { type, name, value };
  if (!isChecked) return { ...listed, state: 'Ignored' };
  const carried = isSame(before, { slot, type, name, value, isChecked }) ? before : undefined;
  const finding = findingFor(check?.findings ?? [], slot);
  if (check === undefined || finding === undefined) {
    return carried === undefined || carried.state === 'Ignored' ? { ...listed, state: 'Pending' } : carried;
  }
  const state = stateOf(finding, wasReady);
  const { observed } = finding;
  const isUnmoved = carried?.state === state && carried.observed === observed;
  const checkedMs = Date.parse(carried?.lastCheckedAt ?? '');
  const lastCheckedAt =
    isUnmoved && check.at.getTime() - checkedMs < COARSE_MS ? carried.lastCheckedAt : undefined;
  return {
    ...listed,
    state,
    ...(observed === undefined ? {} : { observed }),
    lastCheckedAt: lastCheckedAt ?? timestampOf(check.at),
  };
}

function stateOf(finding: Finding, wasReady: boolean): DnsRecord['state'] {
  switch (finding.verdict) {
    case 'valid':
      return 'Valid';
    case 'unknown':
      return 'Unknown';
    case 'wrong':
      return 'Invalid';
    case 'missing':
      // Before it was ever there it is awaited; afterwards its absence is a fault.
      return wasReady ? 'Invalid' : 'Pending';
  }
}
