/** SMTP of a pod, passed through with STARTTLS on both sides; a login is a step. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { relayApi } from '../../../../../operator/api/index.ts';
import type { Identities } from './protocol.ts';
import type { Steps } from './steps.ts';

type Identity = Identities['smtp'];

export async function proxySmtp(via: string, pod: string, { smtp }: Identities, steps: Steps): Promise<void> {
  const server = createServer((client) => {
    const upstream = connect(relayApi.STARTTLS_PORT, pod);
    endTogether(client, upstream);
    plain(client, upstream, smtp, steps);
  });
  server.listen(relayApi.STARTTLS_PORT, via);
  await once(server, 'listening');
}

function endTogether(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
  }
}

/** Both ways as it comes, until the server agrees to STARTTLS. */
function plain(client: Socket, upstream: Socket, identity: Identity, steps: Steps): void {
  let hasAsked = false;
  const fromClient = (data: Buffer): void => {
    hasAsked = /^STARTTLS\r\n/i.test(data.toString('latin1'));
    upstream.write(data);
  };
  const fromServer = (data: Buffer): void => {
    if (hasAsked && data.toString('latin1').startsWith('220')) {
      client.off('data', fromClient);
      upstream.off('data', fromServer);
      secure(client, upstream, identity, steps);
    }
    client.write(data);
  };
  client.on('data', fromClient);
  upstream.on('data', fromServer);
}

function secure(client: Socket, upstream: Socket, identity: Identity, steps: Steps): void {
  const { servername, ca, ...own } = identity;
  const near = new TLSSocket(client, { isServer: true, secureContext: createSecureContext(own) });
  const far = connectTls({ socket: upstream, servername, ca });
  endTogether(near, far);
  let login: ReturnType<Steps['begin']> | undefined;
  near.on('data', (data: Buffer) => {
    login = /^AUTH /i.test(data.toString('latin1')) ? steps.begin() : undefined;
    if (login?.before() !== false) far.write(data);
  });
  far.on('data', (data: Buffer) => {
    if (login?.after() !== false) near.write(data);
  });
}
