import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Target } from './helper-protocol.ts';
import { log } from './log.ts';

/** One port of one Service: connections are passed to its targets in turn; without targets they are refused. */
export class Forwarder {
  readonly #address: string;
  readonly #port: number;
  #targets: Target[] = [];
  #next = 0;
  #server: Server | undefined;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  /** New connections go to these from now on; open ones stay where they are, as with a real kube-proxy. */
  async setTargets(targets: Target[]): Promise<void> {
    this.#targets = targets;
    if (targets.length === 0) return this.close();
    if (this.#server === undefined) await this.#listen();
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#pass(client));
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.once('error', (error) => {
        log('cannot serve', { address: this.#address, port: this.#port, reason: error.message });
        this.#server = undefined;
        resolve();
      });
      server.listen({ host: this.#address, port: this.#port, backlog: 1024 }, resolve);
    });
  }

  #pass(client: Socket): void {
    const target = this.#targets[this.#next++ % this.#targets.length];
    if (target === undefined) {
      client.resetAndDestroy();
      return;
    }
    pass(client, target);
  }
}

/** Carries a connection to a target, both ways. */
export function pass(client: Socket, { host, port }: Target): void {
  const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
  couple(client, upstream);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** Passes an abrupt end on as one: a peer that is gone must not look like one that closed politely. */
function couple(one: Socket, other: Socket): void {
  const cut = (socket: Socket) => () => {
    if (socket instanceof Object && 'resetAndDestroy' in socket && socket.remoteAddress !== undefined)
      socket.resetAndDestroy();
    else socket.destroy();
  };
  one.on('error', cut(other));
  other.on('error', cut(one));
  one.on('close', () => other.destroySoon());
  other.on('close', () => one.destroySoon());
}
