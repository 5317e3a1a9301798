/** Who may speak the PROXY protocol to us, and the header taken off a socket. */
import { BlockList, isIPv6, type Socket } from 'node:net';
import { readProxyHeader, type Source } from './proxy-header.ts';

export class TrustedProxies {
  readonly #networks = new BlockList();

  /** Addresses and networks in CIDR notation. */
  constructor(trusted: readonly string[]) {
    for (const entry of trusted) {
      const [address = '', bits] = entry.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      this.#networks.addSubnet(
        address,
        bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits),
        family,
      );
    }
  }

  includes(address: string | undefined): boolean {
    // How a listener on :: names an IPv4 peer.
    const plain = (address ?? '').replace(/^::ffff:(?=[\d.]+$)/i, '');
    return plain !== '' && this.#networks.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }
}

/**
 * Takes the header off, and leaves what comes behind it on the socket. Calls back once: with the source that the header
 * names, if any; or with false for a header that cannot be read or a socket that ended. The caller sets the deadline.
 */
export function takeProxyHeader(socket: Socket, done: (source: Source | undefined | false) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (source: Source | undefined | false) => {
    socket.off('readable', read).off('end', fail).off('close', fail);
    done(source);
  };
  const fail = () => finish(false);
  const read = () => {
    for (let chunk = readChunk(socket); chunk; chunk = readChunk(socket)) {
      bytes = Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header.kind === 'unfinished') continue;
      if (header.kind === 'malformed') return fail();
      if (header.length < bytes.length) socket.unshift(bytes.subarray(header.length));
      return finish(header.source);
    }
  };
  socket.on('readable', read).once('end', fail).once('close', fail);
}

function readChunk(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}
