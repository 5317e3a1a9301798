/**
 * A proxy before the real API server that fails on demand: statuses, silence, cut connections.
 * Role: what the runtime must live through. Limits: plain HTTP on the loopback, as administrator.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { loadConnection, type Connection } from '../../../../operator/kube/index.ts';

/** Answer instead of the server's; undefined: ask the server; 'silence': never. */
export type Fault = (request: {
  method: string;
  url: string;
}) => { status: number; reason?: string; headers?: Record<string, string> } | 'silence' | undefined;

export class FaultyApi {
  fault: Fault = () => undefined;
  /** Called when the server has answered; true: the answer is kept back and the connection cut. */
  lose: (request: { method: string; url: string }) => boolean = () => false;
  /** What the server says, as it is passed on: whole answers, and of a watch line by line. */
  rewrite: ((text: string, url: string) => string) | undefined;
  /** Each answer comes this much later. */
  latencyMs = 0;
  /** Method and path with query of every request. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #upstream: Connection;
  readonly #dispatcher: Agent;

  private constructor(server: Server, upstream: Connection) {
    this.#server = server;
    this.#upstream = upstream;
    this.#dispatcher = new Agent({ connect: upstream.tls, bodyTimeout: 0, headersTimeout: 0 });
    server.on('request', (incoming, answer) => void this.#serve(incoming, answer));
  }

  /** On a free port of the loopback, or on a Unix socket. */
  static async start(kubeconfig: string, socket?: string): Promise<FaultyApi> {
    const server = createServer();
    if (socket === undefined) server.listen(0, '127.0.0.1');
    else server.listen(socket);
    await once(server, 'listening');
    return new FaultyApi(server, await loadConnection(kubeconfig));
  }

  get connection(): Connection {
    const { port } = this.#server.address() as AddressInfo;
    return { ...this.#upstream, server: `http://127.0.0.1:${port}`, tls: {}, authorization: () => undefined };
  }

  /** Every connection is cut, as by a server that goes away. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await this.#dispatcher.destroy();
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = incoming;
    this.requests.push(`${method} ${url}`);
    const fault = this.fault({ method, url });
    if (fault === 'silence') return;
    if (fault !== undefined) {
      const body = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: fault.status,
        reason: fault.reason,
      };
      answer
        .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        .end(JSON.stringify(body));
      return;
    }
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    try {
      if (this.latencyMs > 0) await sleep(this.latencyMs);
      const chunks: Buffer[] = [];
      // Throws where the connection was cut meanwhile.
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const upstream = await request(`${this.#upstream.server}${url}`, {
        method: method as 'GET',
        headers: { ...pick(incoming), authorization: this.#upstream.authorization() },
        body: chunks.length === 0 ? null : Buffer.concat(chunks),
        dispatcher: this.#dispatcher,
        signal: gone.signal,
      });
      if (this.lose({ method, url })) {
        answer.destroy();
        return;
      }
      answer.writeHead(upstream.statusCode, { 'content-type': 'application/json' });
      // A watch of which nothing comes yet has begun all the same.
      answer.flushHeaders();
      await this.#passOn(upstream.body, answer, url);
    } catch {
      answer.destroy();
    }
  }

  async #passOn(body: AsyncIterable<Buffer>, answer: ServerResponse, url: string): Promise<void> {
    const isWatch = url.includes('watch=true');
    let held = '';
    for await (const chunk of body) {
      if (this.rewrite === undefined) answer.write(chunk);
      else held += chunk.toString('latin1');
      const end = isWatch ? held.lastIndexOf('\n') + 1 : 0;
      if (end > 0) answer.write(this.rewrite?.(held.slice(0, end), url) ?? '', 'latin1');
      held = held.slice(end);
    }
    answer.end(this.rewrite?.(held, url) ?? '', 'latin1');
  }
}

function pick(incoming: IncomingMessage): Record<string, string> {
  const type = incoming.headers['content-type'];
  return { accept: 'application/json', ...(type === undefined ? {} : { 'content-type': type }) };
}
