/**
 * DNS queries whose outcome says what is known.
 *
 * Absent (NXDOMAIN, or no record of that type) is an answer. SERVFAIL, REFUSED, a timeout or garbage is not: nobody
 * knows then, and callers keep what they knew. Node's resolver (c-ares) does what the wire asks for: EDNS, TCP when an
 * answer is truncated, several servers, random ids. It keeps no cache here, so a record is seen once the servers see it.
 */
import { Resolver } from 'node:dns/promises';

export type DnsAnswer =
  | { outcome: 'found'; values: string[] }
  | { outcome: 'absent' }
  /** `reason` fits after "because": `the DNS server answered SERVFAIL`. */
  | { outcome: 'failed'; reason: string };

export interface DnsLookup {
  /** Text records; the strings of one record are joined (RFC 7208 section 3.3), CNAMEs followed. */
  txt(name: string): Promise<DnsAnswer>;
  /** Mail exchangers as `<preference> <host>`, lower case, without a trailing dot. */
  mx(name: string): Promise<DnsAnswer>;
}

export interface DnsLookupOptions {
  /** As parseDnsServers returns them; absent: the machine's resolvers. */
  servers?: string[] | undefined;
  /** For one try; a query takes at most about timeoutMs * 3 (two tries, the second waits longer). */
  timeoutMs?: number;
}

const MAX_CNAME_HOPS = 8;

export function createDnsLookup(options: DnsLookupOptions = {}): DnsLookup {
  const resolver = new Resolver({ timeout: options.timeoutMs ?? 2000, tries: 2 });
  if (options.servers !== undefined) resolver.setServers(options.servers);
  return {
    txt: (name) =>
      query(resolver, name, async (at) => (await resolver.resolveTxt(at)).map((parts) => parts.join(''))),
    mx: (name) =>
      query(resolver, name, async (at) =>
        (await resolver.resolveMx(at)).map(({ priority, exchange }) => `${priority} ${plainName(exchange)}`),
      ),
  };
}

/** Lower case and without the trailing dot of an absolute name. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

async function query(
  resolver: Resolver,
  name: string,
  ask: (name: string) => Promise<string[]>,
  hops = 0,
): Promise<DnsAnswer> {
  try {
    const values = await ask(absolute(name));
    // c-ares answers a lone CNAME with an empty list, and says ENODATA only where there is no record at all.
    return values.length > 0 ? { outcome: 'found', values } : await followAlias(resolver, name, ask, hops);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOTFOUND' || code === 'ENODATA') return { outcome: 'absent' };
    return { outcome: 'failed', reason: FAILURES[code] ?? `DNS said ${code}` };
  }
}

/** A server that does not recurse may answer with a CNAME alone; the answer then stands at its target. */
async function followAlias(
  resolver: Resolver,
  name: string,
  ask: (name: string) => Promise<string[]>,
  hops: number,
): Promise<DnsAnswer> {
  let target: string | undefined;
  try {
    target = (await resolver.resolveCname(absolute(name)))[0];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code !== 'ENODATA' && code !== 'ENOTFOUND') {
      return { outcome: 'failed', reason: FAILURES[code] ?? `DNS said ${code}` };
    }
  }
  if (target === undefined || plainName(target) === plainName(name)) return { outcome: 'absent' };
  if (hops >= MAX_CNAME_HOPS) return { outcome: 'failed', reason: 'the CNAME chain is too long' };
  return query(resolver, target, ask, hops + 1);
}

/** With the trailing dot, so that no search domain is ever tried. */
function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

const FAILURES: Record<string, string> = {
  ESERVFAIL: 'the DNS server answered SERVFAIL',
  EREFUSED: 'the DNS server answered REFUSED',
  ETIMEOUT: 'the DNS server did not answer in time',
  ECONNREFUSED: 'no DNS server is listening',
  EFORMERR: 'the DNS server answered FORMERR',
  ENOTIMP: 'the DNS server answered NOTIMP',
  EBADRESP: 'the DNS answer was garbled',
  EBADNAME: 'the name is not a valid DNS name',
};
