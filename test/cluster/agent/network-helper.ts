import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { log } from './log.ts';
import type { FromHelper, HttpProbe, ServedPort, ToHelper } from './helper-protocol.ts';
import type { ClusterNetwork } from './network-namespace.ts';

/** A socket that was handed over has no settings of a server's. */
function accept(server: Server, take: (connection: Socket) => void): void {
  (server as Server & { allowHalfOpen: boolean }).allowHalfOpen = true;
  server.on('connection', (connection) => take(connection.setNoDelay(true)));
}

/** The agent's side of the process inside the cluster's network. */
export class NetworkHelper {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (failure: string | undefined) => void>();
  #nextId = 0;

  /** @param take connections of the Service ports that the agent serves itself */
  constructor(network: ClusterNetwork, take: (connection: Socket) => void) {
    this.#process = network.startHelper();
    this.#process.on('message', (message: FromHelper, handle) => {
      if (message.type === 'listening') accept(handle as Server, take);
      if (message.type !== 'probed') return;
      this.#waiting.get(message.id)?.(message.failure);
      this.#waiting.delete(message.id);
    });
    this.#process.once('exit', (code, signal) => {
      log('network helper ended', { code, signal });
      process.exit(1); // without it no Service works: ending the agent makes that visible
    });
  }

  /** Makes these, and no others, the ports that are served. */
  serve(services: ServedPort[]): void {
    this.#send({ type: 'services', version: this.#nextId++, services });
  }

  /** @returns undefined when the probe succeeds, else why not */
  probe(
    where: { host: string; port: number; timeoutMs: number },
    http?: HttpProbe,
  ): Promise<string | undefined> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ type: 'probe', id, ...where, ...(http === undefined ? {} : { http }) });
    });
  }

  #send(message: ToHelper): void {
    this.#process.send(message);
  }
}
