/** Addresses of a next hop. Direct delivery refuses those that are not public, so that mail cannot reach inside. */
import { lookup } from 'node:dns';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import { describeCause } from '../errors.ts';
import { TargetDown } from './target.ts';

const lookupAll = promisify(lookup);
const CACHE_MS = 30_000;
const DNS_MS = 15_000;
const cache = new Map<string, { addresses: string[]; until: number }>();

/** As the system resolves names (hosts file, search domains): a smarthost may be a Service of the cluster. */
export async function resolveHost(host: string): Promise<string[]> {
  return isIP(host) ? [host] : lookupCached(host);
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
  // NAT64 for local use, Teredo and 6to4: IPv4 addresses in disguise.
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
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
