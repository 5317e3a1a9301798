/** The hosts that take a domain's mail, in the order in which they are tried (RFC 5321 section 5.1). Pure but for DNS. */
import type { MxRecord } from 'node:dns';
import { isIP } from 'node:net';
import type { Dns } from './dns.ts';

export type MxAnswer =
  | { readonly kind: 'hosts'; readonly records: readonly MxRecord[] }
  /** RFC 7505: the domain takes no mail. */
  | { readonly kind: 'null' }
  /** Neither the name nor a mail host exists. */
  | { readonly kind: 'none'; readonly cause: string }
  | { readonly kind: 'failed'; readonly cause: string };

const MAX_HOSTS = 5;

/** A domain without MX is its own host. `domain` is in A-labels, or an address literal such as `[192.0.2.1]`. */
export async function resolveMx(dns: Dns, domain: string): Promise<MxAnswer> {
  const literal = /^\[(?:IPv6:)?([\w.:]+)\]$/i.exec(domain)?.[1];
  if (literal !== undefined) {
    if (isIP(literal) === 0) return { kind: 'none', cause: `${domain} is no address` };
    return { kind: 'hosts', records: [{ exchange: literal, priority: 0 }] };
  }
  const answer = await dns.mx(domain);
  if (answer.kind === 'failed') return answer;
  if (answer.kind === 'found') {
    const records = answer.values.map(({ exchange, priority }) => ({
      exchange: exchange.replace(/\.$/, '').toLowerCase(),
      priority,
    }));
    if (records.every(({ exchange }) => exchange === '')) return { kind: 'null' };
    return { kind: 'hosts', records: records.filter(({ exchange }) => exchange !== '') };
  }
  if (answer.noName) return { kind: 'none', cause: `${domain} does not exist` };
  const own = await dns.addresses(domain);
  if (own.kind === 'failed') return own;
  if (own.kind === 'absent') return { kind: 'none', cause: `${domain} has no mail host` };
  return { kind: 'hosts', records: [{ exchange: domain, priority: 0 }] };
}

/**
 * Best preference first, equal ones in random order. Where one of the hosts is ourselves, only better ones are left:
 * the others would bring the mail back to us.
 */
export function hostsInOrder(
  records: readonly MxRecord[],
  isOwn: (host: string) => boolean,
  random: () => number,
): string[] {
  const own = Math.min(...records.filter(({ exchange }) => isOwn(exchange)).map(({ priority }) => priority));
  return records
    .filter(({ priority }) => priority < own)
    .map((record) => ({ ...record, lot: random() }))
    .toSorted((a, b) => a.priority - b.priority || a.lot - b.lot)
    .map(({ exchange }) => exchange)
    .slice(0, MAX_HOSTS);
}
