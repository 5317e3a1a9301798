/** Judge of DMARC policies (RFC 7489 section 6.3): is there a valid one? Which one is the domain's own choice. */
import { VALID, missing, parseTags, wrong, type Judgement } from './judgement.ts';

export function judgeDmarc(values: readonly string[]): Judgement {
  const records = values.filter((value) => /^v\s*=\s*DMARC1\s*(;|$)/.test(value.trim()));
  const [record] = records;
  if (record === undefined) return missing('no DMARC record is there');
  if (records.length > 1) return wrong(`there are ${records.length} DMARC records, so none counts: keep one`);
  const tags = parseTags(record);
  if (tags === undefined) return wrong('the DMARC record cannot be read: it is not a list of tag=value');
  const policy = tags.get('p')?.toLowerCase();
  if (policy === undefined) return wrong('the DMARC record has no policy (p=)');
  if (!['none', 'quarantine', 'reject'].includes(policy)) {
    return wrong('the DMARC policy (p=) is none of none, quarantine, reject');
  }
  return VALID;
}

/**
 * Names at which a policy for the domain may stand, nearest first: a subdomain takes its parent's (RFC 7489 section
 * 6.6.3 by a public suffix list, DMARCbis by walking up). We walk, and stop at two labels: no suffix list to keep.
 */
export function dmarcNames(domain: string): string[] {
  const labels = domain.split('.');
  const names = [`_dmarc.${domain}`];
  for (let i = 1; i <= labels.length - 2 && names.length < 8; i++)
    names.push(`_dmarc.${labels.slice(i).join('.')}`);
  return names;
}
