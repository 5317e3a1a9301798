/** Which DNS servers are asked: the operator's setting `DNS_SERVERS`, else the machine's own resolvers. */
import { isIP } from 'node:net';

/**
 * Servers of a setting such as `10.96.0.10,192.0.2.1:5353,[2001:db8::1]:53`, in the form that node's resolver takes.
 * Empty or absent: undefined, which means the resolvers of /etc/resolv.conf.
 */
export function parseDnsServers(setting: string | undefined): string[] | undefined {
  const entries = (setting ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return entries.length === 0 ? undefined : entries.map(parseServer);
}

function parseServer(entry: string): string {
  if (isIP(entry) === 6) return `[${entry}]`;
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]+))?$/.exec(entry);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = match?.[3] === undefined ? 53 : Number(match[3]);
  const family = isIP(address);
  const isBracketed = match?.[1] !== undefined;
  if (family === 0 || (family === 6) !== isBracketed || port < 1 || port > 65535) {
    throw new Error(`DNS_SERVERS has "${entry}": write ip, ip:port or [ipv6]:port, separated by commas`);
  }
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
