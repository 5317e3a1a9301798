/** The port for bounces: plain SMTP with STARTTLS, no login. */
import type { CertificateFiles } from '../certificate.ts';
import { bind, createServer, type ListenerSettings, portOf, TrustedProxies } from '../session/index.ts';
import { type BounceDialogue, MAX_BOUNCE_SIZE } from './dialogue.ts';

export interface BounceListening {
  readonly port: number;
  updateSettings(settings: Pick<ListenerSettings, 'name'>): void;
  stop(): void;
}

export interface BounceListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly name: string;
  readonly certificate: CertificateFiles;
  readonly trustedProxies: readonly string[];
  readonly dialogue: BounceDialogue;
}

const HANDSHAKE_MS = 30_000;
const IDLE_MS = 60_000;

export async function startBounceListener(options: BounceListenerOptions): Promise<BounceListening> {
  const { address, port, name, certificate, trustedProxies, dialogue } = options;
  const server = createServer(
    {
      ...certificate.current,
      name,
      implicitTls: false,
      isPublic: true,
      maxSize: MAX_BOUNCE_SIZE,
      idleMs: IDLE_MS,
      beforeSession: { timeoutMs: HANDSHAKE_MS, proxies: new TrustedProxies(trustedProxies) },
    },
    dialogue,
  );
  certificate.onChange((pair) => server.updateSecureContext(pair));
  await bind(server, { address, port, purpose: 'bounces' });
  return {
    port: portOf(server),
    updateSettings: (settings) => void Object.assign(server.options, { name: settings.name }),
    stop() {
      server.server.close();
      dialogue.sessions.stop();
    },
  };
}
