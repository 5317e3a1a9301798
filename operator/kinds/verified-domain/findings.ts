/** One check of all records: the queries, and what they say. */
import { dmarcNames, type DnsAnswer, type DnsLookup } from '../../dns/index.ts';
import { judge, type RecordSlot, type RequiredRecord } from './records.ts';

export interface Finding {
  slot: RecordSlot;
  verdict: 'valid' | 'missing' | 'wrong' | 'unknown';
  /** What is wrong, in words; absent when valid. */
  problem?: string;
  /** What DNS showed, when it is not what it must be. */
  observed?: string;
}

export interface Check {
  at: Date;
  findings: readonly Finding[];
}

/** All records at once; a query that fails is a finding like any other. Takes a few seconds at most (see DnsLookup). */
export async function checkRecords(
  lookup: DnsLookup,
  records: readonly RequiredRecord[],
  context: { domain: string; relayAddress: string },
): Promise<Finding[]> {
  return Promise.all(
    records
      .filter((record) => record.isChecked)
      .map(async (record) => {
        const answer = await ask(lookup, record, context);
        return findingOf(record, context.relayAddress, answer);
      }),
  );
}

async function ask(
  lookup: DnsLookup,
  record: RequiredRecord,
  { domain, relayAddress }: { domain: string; relayAddress: string },
): Promise<DnsAnswer> {
  if (record.type === 'MX') return lookup.mx(record.name);
  if (record.slot !== 'dmarc') return lookup.txt(record.name);
  for (const name of dmarcNames(domain)) {
    const answer = await lookup.txt(name);
    if (answer.outcome === 'failed') return answer;
    if (answer.outcome === 'found' && judge(record, relayAddress, answer.values).verdict !== 'missing')
      return answer;
  }
  return { outcome: 'absent' };
}

const MOST_OBSERVED = 1000;

/** Exported for its table test. */
export function findingOf(record: RequiredRecord, relayAddress: string, answer: DnsAnswer): Finding {
  const { slot } = record;
  if (answer.outcome === 'failed') return { slot, verdict: 'unknown', problem: answer.reason };
  const values = answer.outcome === 'found' ? answer.values : [];
  const judgement = judge(record, relayAddress, values);
  if (judgement.verdict === 'valid') return { slot, verdict: 'valid' };
  const observed = printable(values.join(' | ')).slice(0, MOST_OBSERVED);
  return {
    slot,
    verdict: judgement.verdict,
    problem: printable(judgement.problem),
    ...(observed === '' ? {} : { observed }),
  };
}

/** Anybody may put anything into DNS; status shows text only. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
