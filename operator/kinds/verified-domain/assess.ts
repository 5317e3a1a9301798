/** What the ledger and the last check say together, before anybody acts on it. Pure. */
import type { VerifiedDomainSpec } from '../../api/index.ts';
import type { Finding } from './findings.ts';
import type { Proof, Streak } from './ledger.ts';
import type { RecordSlot, RequiredRecord } from './records.ts';

export interface Assessment {
  isOwned: boolean;
  /** Ready waits for these. */
  outstanding: RequiredRecord[];
  /** Not right, and only warned about. */
  warnings: RequiredRecord[];
  /** Were there, are absent, and still count. */
  inGrace: RequiredRecord[];
  /** Could not be looked up. */
  unknown: RequiredRecord[];
}

export interface AssessmentInput {
  spec: VerifiedDomainSpec;
  records: readonly RequiredRecord[];
  findings: readonly Finding[];
  proof: Proof | undefined;
  /** Selectors that the DKIM slots stand for. */
  selectors: Partial<Record<string, string>>;
}

export function assess(input: AssessmentInput): Assessment {
  const { records, proof } = input;
  const checked = records.filter((record) => record.isChecked);
  const verdictOf = (record: RequiredRecord) => findingFor(input.findings, record.slot)?.verdict;
  const streak = (record: RequiredRecord) => streakOf(proof, record.slot, input.selectors);
  const isRight = (record: RequiredRecord): boolean =>
    hasHistory(record.slot)
      ? streak(record) !== undefined
      : verdictOf(record) === 'valid' || (verdictOf(record) === 'unknown' && proof?.readyAt !== undefined);
  return {
    isOwned: proof?.ownership !== undefined,
    outstanding: checked.filter((record) => isNeeded(input.spec, record.slot) && !isRight(record)),
    warnings: checked.filter((record) => !isNeeded(input.spec, record.slot) && !isRight(record)),
    inGrace: checked.filter((record) => streak(record)?.failingSince !== undefined),
    unknown: checked.filter((record) => verdictOf(record) === 'unknown'),
  };
}

export function findingFor(findings: readonly Finding[], slot: RecordSlot): Finding | undefined {
  return findings.find((finding) => finding.slot === slot);
}

export function streakOf(
  proof: Proof | undefined,
  slot: RecordSlot,
  selectors: Partial<Record<string, string>>,
): Streak | undefined {
  if (slot === 'ownership') return proof?.ownership;
  const selector = selectors[slot];
  return selector === undefined ? undefined : proof?.dkim[selector];
}

/** Records that decide what the relay does are lost only after a grace period; the others are as they were seen last. */
function hasHistory(slot: RecordSlot): boolean {
  return slot === 'ownership' || slot.startsWith('dkim');
}

/** Whether Ready waits for the record. The next key and the return path never hold anything up. */
function isNeeded(spec: VerifiedDomainSpec, slot: RecordSlot): boolean {
  switch (slot) {
    case 'ownership':
    case 'dkim':
    case 'dkimEd25519':
      return true;
    case 'spf':
      return spec.spf === 'Required';
    case 'dmarc':
      return spec.dmarc === 'Required';
    case 'dkimNext':
    case 'returnPath':
    case 'returnPathSpf':
      return false;
    default:
      return slot satisfies never;
  }
}
