/** The two SMTP listeners (STARTTLS and implicit TLS), their certificate and its reload. */
import { once } from 'node:events';
import type { relayApi } from '@migosmtp/operator/api';
import { RelayError } from '../errors.ts';
import type { CertificateFiles } from '../certificate.ts';
import type { Handlers } from './client.ts';
import type { Server } from './library.ts';
import { TrustedProxies } from './proxy-socket.ts';
import { createServer } from './server.ts';

export interface ListenerOptions {
  readonly listen: relayApi.RelayProcessConfig['listen'];
  readonly certificate: CertificateFiles;
  readonly handlers: Handlers;
  readonly settings: ListenerSettings;
  readonly limits: relayApi.SessionLimits;
}

export interface ListenerSettings {
  readonly name: string;
  readonly maxSize: number;
}

export interface Listening {
  readonly ports: { readonly starttls: number; readonly tls: number };
  updateSettings(settings: ListenerSettings): void;
  /** No new connections; open sessions go on. */
  stopAccepting(): void;
}

export async function startListeners(options: ListenerOptions): Promise<Listening> {
  const { listen, certificate, handlers, settings, limits } = options;
  const proxies = new TrustedProxies(listen.proxyProtocol?.trustedAddresses ?? []);
  const own = {
    idleMs: limits.idleSeconds * 1_000,
    beforeSession: { timeoutMs: limits.handshakeSeconds * 1_000, proxies },
  };
  const servers = [false, true].map((implicitTls) => {
    const server = createServer({ implicitTls, ...certificate.current, ...settings, ...own }, handlers);
    // The library reads the context for each handshake: open sessions keep theirs.
    certificate.onChange((pair) => server.updateSecureContext(pair));
    return server;
  });
  const [starttls, tls] = servers;
  if (!starttls || !tls) throw new Error('two servers');
  await bind(starttls, { address: listen.address, port: listen.starttls, purpose: 'SMTP with STARTTLS' });
  await bind(tls, { address: listen.address, port: listen.tls, purpose: 'SMTP with TLS' });
  return {
    ports: { starttls: portOf(starttls), tls: portOf(tls) },
    // The library reads its options for each connection.
    updateSettings: ({ name, maxSize }) =>
      servers.forEach((server) => Object.assign(server.options, { name, size: maxSize })),
    stopAccepting: () => servers.forEach((server) => server.server.close()),
  };
}

export async function bind(
  server: Server,
  at: { address: string; port: number; purpose: string },
): Promise<void> {
  try {
    server.listen(at.port, at.address, 1_024);
    await once(server.server, 'listening');
  } catch (cause) {
    throw new RelayError('R_LISTEN', at, cause);
  }
}

export function portOf({ server }: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
