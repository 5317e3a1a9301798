/**
 * The PROXY protocol, versions 1 and 2, as load balancers send it before the first byte of a client.
 * Specification: haproxy's doc/proxy-protocol.txt. Pure.
 */
import { isIPv4, isIPv6 } from 'node:net';

export type ProxyHeader =
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'malformed' }
  /** `source` is absent for connections of the load balancer itself, such as its health checks. */
  | { readonly kind: 'read'; readonly length: number; readonly source?: Source };

export interface Source {
  readonly address: string;
  readonly port: number;
}

/** Section 2.1: a line of 107 bytes with its end. */
const MAX_LINE = 107;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED = 16;
/** Addresses take 36 bytes at most; the rest are TLVs, of which a certificate may be one. */
const MAX_BLOCK = 4_096;

const MALFORMED: ProxyHeader = { kind: 'malformed' };
const UNFINISHED: ProxyHeader = { kind: 'unfinished' };

/** `bytes` is all that came so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return UNFINISHED;
  return bytes[0] === SIGNATURE[0] ? readBinary(bytes) : readLine(bytes);
}

function readLine(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, MAX_LINE);
  const end = text.indexOf('\r\n');
  if (end === -1) {
    const isBegun = 'PROXY '.startsWith(text.slice(0, 6));
    return isBegun && bytes.length < MAX_LINE ? UNFINISHED : MALFORMED;
  }
  const length = end + 2;
  const line = text.slice(0, end);
  // Section 2.1: what follows UNKNOWN is not looked at.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { kind: 'read', length };
  const match = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (!match) return MALFORMED;
  const [, family, address = '', destination = '', port, destinationPort] = match;
  const isAddress = family === '4' ? isIPv4 : isIPv6;
  const isFine = isAddress(address) && isAddress(destination) && isPort(port) && isPort(destinationPort);
  return isFine ? { kind: 'read', length, source: { address, port: Number(port) } } : MALFORMED;
}

function isPort(text: string | undefined): boolean {
  return Number(text) <= 65_535;
}

function readBinary(bytes: Buffer): ProxyHeader {
  const compared = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, compared).equals(SIGNATURE.subarray(0, compared))) return MALFORMED;
  if (bytes.length < FIXED) return UNFINISHED;
  const block = bytes.readUInt16BE(14);
  const command = bytes[12];
  if (block > MAX_BLOCK || (command !== 0x20 && command !== 0x21)) return MALFORMED;
  const length = FIXED + block;
  if (bytes.length < length) return UNFINISHED;
  if (command === 0x20) return { kind: 'read', length };
  return readAddresses(bytes.subarray(FIXED, length), { family: bytes[13] ?? 0, length });
}

/** What comes behind the addresses are TLVs, which are skipped. */
function readAddresses(block: Buffer, { family, length }: { family: number; length: number }): ProxyHeader {
  if (family === 0x11) {
    if (block.length < 12) return MALFORMED;
    const address = block.subarray(0, 4).join('.');
    return { kind: 'read', length, source: { address, port: block.readUInt16BE(8) } };
  }
  if (family === 0x21) {
    if (block.length < 36) return MALFORMED;
    const groups = Array.from({ length: 8 }, (_, i) => block.readUInt16BE(2 * i).toString(16));
    return { kind: 'read', length, source: { address: groups.join(':'), port: block.readUInt16BE(32) } };
  }
  // Section 2.2: unspecified, sockets of the host, datagrams: the connection's own address stands.
  return { kind: 'read', length };
}
