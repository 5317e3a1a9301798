/** Addresses of a next hop. Direct delivery refuses those that are not public, so that mail cannot reach inside. */
import { lookup, promises as dns } from 'node:dns';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import { describeCause, RelayError } from '../errors.ts';
import { TargetDown } from './target.ts';

const lookupAll = promisify(lookup);
const CACHE_MS = 30_000;
const DNS_MS = 15_000;
const cache = new Map<string, { addresses: string[]; until: number }>();

/** As the system resolves names (hosts file, search domains): a smarthost may be a Service of the cluster. */
export async function resolveHost(host: string, allowPrivate: boolean): Promise<string[]> {
  const addresses = isIP(host) ? [host] : await lookupCached(host);
  if (allowPrivate) return addresses;
  const isPublic = addresses.filter((address) => !isPrivate(address));
  if (isPublic.length > 0) return isPublic;
  throw new TargetDown(
    'resolve',
    new RelayError('R_UPSTREAM_ADDRESS', { host, address: addresses[0] ?? 'nothing' }).message,
    { permanent: true },
  );
}

async function lookupCached(host: string): Promise<string[]> {
  const cached = cache.get(host);
  if (cached && cached.until > Date.now()) return cached.addresses;
  try {
    const found = await deadline(lookupAll(host, { all: true, order: 'verbatim' }), host);
    const addresses = found.map(({ address }) => address);
    if (cache.size > 1_000) cache.clear();
    cache.set(host, { addresses, until: Date.now() + CACHE_MS });
    return addresses;
  } catch (cause) {
    throw new TargetDown('resolve', `cannot resolve ${host}: ${describeCause(cause)}`);
  }
}

export type MxAnswer =
  | { readonly kind: 'hosts'; readonly hosts: readonly string[] }
  /** RFC 7505: the domain takes no mail. */
  | { readonly kind: 'null' }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly cause: string };

/** MX hosts by preference; a domain without MX is its own host (RFC 5321 section 5.1). */
export async function resolveMx(domain: string): Promise<MxAnswer> {
  try {
    const records = await deadline(dns.resolveMx(domain), domain);
    if (records.length === 1 && records[0]?.exchange === '') return { kind: 'null' };
    const hosts = records
      .toSorted((a, b) => a.priority - b.priority)
      .map(({ exchange }) => exchange.replace(/\.$/, ''));
    return { kind: 'hosts', hosts: hosts.filter(Boolean).slice(0, 5) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENODATA') return { kind: 'hosts', hosts: [domain] };
    if (code === 'ENOTFOUND') return { kind: 'none' };
    return { kind: 'failed', cause: describeCause(cause) };
  }
}

const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(net, prefix, 'ipv6');
}

/** BlockList also checks IPv4 addresses mapped into IPv6. */
export function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

async function deadline<T>(work: Promise<T>, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer about ${host} in ${DNS_MS / 1_000} s`)), DNS_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
