import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectionError, SettingsError } from './failure.ts';
import type { Connection } from './settings.ts';
import { connectionError, type HttpRequest, type HttpResponse, type Transport } from './transport.ts';

const CONNECT_TIMEOUT_MS = 15_000;

/** For servers without HTTP/2: `kubectl proxy`, and some load balancers. */
export class Http1Transport implements Transport {
  readonly #connection: Connection;
  readonly #agent: http.Agent;

  constructor(connection: Connection, connectTls: (protocols: string[]) => Promise<TLSSocket>) {
    this.#connection = connection;
    this.#agent = new http.Agent({ keepAlive: true });
    if (connection.server.startsWith('https:')) {
      const create = (_options: object, done: (failure: Error | null, socket: Socket) => void) => {
        connectTls(['http/1.1']).then(
          (socket) => done(null, socket),
          (cause: unknown) => done(cause as Error, undefined as unknown as Socket),
        );
      };
      Object.assign(this.#agent, { createConnection: create });
    }
  }

  send({ method, path, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    const { server } = this.#connection;
    const url = new URL(server);
    return new Promise((resolve, reject) => {
      const options = {
        agent: this.#agent,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
        path: url.pathname.replace(/\/$/, '') + path,
        method,
        headers: { ...headers, host: url.host },
        signal,
      };
      const request = http.request(options, (answer) => {
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          body: answer as AsyncIterable<Uint8Array>,
        });
      });
      request.once('error', (cause) =>
        reject(signal.aborted ? (signal.reason as Error) : connectionError(server, cause)),
      );
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A raw connection to the server by way of an HTTP proxy (CONNECT). */
export function connectThroughProxy(
  proxyUrl: string,
  host: string,
  port: number,
  server: string,
): Promise<Socket> {
  const proxy = URL.canParse(proxyUrl) ? new URL(proxyUrl) : undefined;
  if (proxy?.protocol !== 'http:') {
    throw new SettingsError(
      'proxy_url must be the URL of an HTTP proxy, such as http://proxy:3128.',
      'proxy_url',
    );
  }
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const login = proxy.username
    ? `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
    : '';
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: proxy.hostname,
      port: Number(proxy.port || 80),
      method: 'CONNECT',
      path: target,
      headers: {
        host: target,
        ...(login && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
      },
      timeout: CONNECT_TIMEOUT_MS,
    });
    request.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) resolve(socket);
      else
        reject(
          new ConnectionError(server, 'PROXY', `the proxy refused with status ${answer.statusCode ?? 0}`),
        );
    });
    request.once('timeout', () => request.destroy());
    request.once('error', (cause) => {
      const { code, message } = connectionError(server, cause);
      reject(new ConnectionError(server, code, `the proxy ${proxy.host}: ${message}`));
    });
    request.end();
  });
}
