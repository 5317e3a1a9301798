/** Judge of a domain's SPF record (RFC 7208): does it let this relay send? */
import { VALID, missing, wrong, type Judgement } from './judgement.ts';
import { plainName } from './lookup.ts';

/**
 * Valid when the domain's one SPF record has `a:<host>` and reaches it with a pass.
 * Includes are not followed: what stands in somebody else's record may change unseen.
 */
export function judgeSpf(values: readonly string[], host: string): Judgement {
  const records = values.filter((value) => /^v=spf1( |$)/i.test(value));
  const [record] = records;
  if (record === undefined) return missing('no SPF record is there');
  if (records.length > 1) {
    return wrong(
      `there are ${records.length} SPF records, which fails for every receiver: merge them into one`,
    );
  }
  const terms = record.trim().split(/ +/).slice(1);
  const ours = terms.findIndex((term) => isMechanismFor(term, host));
  if (ours === -1)
    return wrong(`the SPF record lacks ${spfMechanism(host)}: publish ${mergeSpf(record, host)}`);
  if (/^[-~?]/.test(terms[ours] ?? '')) return wrong(`${terms[ours]} does not let the relay pass`);
  const all = terms.findIndex((term) => /^[-+~?]?all$/i.test(term));
  if (all !== -1 && all < ours)
    return wrong(`${terms[all]} stands before ${spfMechanism(host)}, which is never reached`);
  return VALID;
}

export function spfMechanism(host: string): string {
  return `a:${plainName(host)}`;
}

/** The record with our mechanism as its first: what a person would publish. */
export function mergeSpf(record: string, host: string): string {
  return record.trim().replace(/^v=spf1/i, (version) => `${version} ${spfMechanism(host)}`);
}

function isMechanismFor(term: string, host: string): boolean {
  const match = /^[-+~?]?a:([^/]+)(\/[0-9]+)?(\/\/[0-9]+)?$/i.exec(term);
  return match?.[1] !== undefined && plainName(match[1]) === plainName(host);
}
