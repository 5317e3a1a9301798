/** A TCP proxy on loopback that can lose the answers of a server, or cut it off. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  readonly port: number;
  /** What is sent still arrives; what is answered does not. */
  swallowAnswers(): void;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Ends every connection that was cut or swallowed, and serves new ones. */
  restore(): void;
  close(): void;
}

export async function startCutProxy(targetPort: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let mode: 'open' | 'swallow' | 'cut' = 'open';
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    if (mode === 'cut') client.destroy();
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => mode === 'open' && client.write(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as { port: number }).port,
    swallowAnswers: () => {
      mode = 'swallow';
    },
    cut: () => {
      mode = 'cut';
      endAll();
    },
    restore: () => {
      mode = 'open';
      endAll();
    },
    close: () => {
      endAll();
      server.close();
    },
  };
}
