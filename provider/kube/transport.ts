import * as http2 from 'node:http2';
import * as tls from 'node:tls';
import type { Socket } from 'node:net';
import { checkCertificates } from './certificates.ts';
import { ConnectionError } from './failure.ts';
import type { Connection } from './settings.ts';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

export interface ClientIdentity {
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Opens a transport: one HTTP/2 connection that all calls and watches share, or HTTP/1.1 where the server, or a
 * proxy in front of it, speaks nothing else.
 */
export async function openTransport(connection: Connection, identity: ClientIdentity): Promise<Transport> {
  const url = new URL(connection.server);
  if (url.protocol === 'http:') return http1(connection, identity);
  checkCertificates(connection, identity);
  const socket = await connectTls(connection, identity, ['h2', 'http/1.1']);
  if (socket.alpnProtocol === 'h2') return new Http2Transport(connection, identity, socket);
  socket.destroy();
  return http1(connection, identity);
}

async function http1(connection: Connection, identity: ClientIdentity): Promise<Transport> {
  const { Http1Transport } = await import('./transport-http1.ts');
  return new Http1Transport(connection, (protocols) => connectTls(connection, identity, protocols));
}

class Http2Transport implements Transport {
  readonly #connection: Connection;
  readonly #identity: ClientIdentity;
  #session: Promise<http2.ClientHttp2Session> | undefined;

  constructor(connection: Connection, identity: ClientIdentity, socket: tls.TLSSocket) {
    this.#connection = connection;
    this.#identity = identity;
    this.#session = Promise.resolve(this.#open(socket));
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#current();
    request.signal.throwIfAborted();
    const { method, headers, body, signal } = request;
    const path = new URL(this.#connection.server).pathname.replace(/\/$/, '') + request.path;
    const stream = session.request(
      { ...headers, ':method': method, ':path': path },
      { endStream: body === undefined },
    );
    const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', abort, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', abort));
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      stream.once('response', (answer) => {
        resolve({
          status: Number(answer[':status']),
          retryAfter: answer['retry-after'],
          body: stream as AsyncIterable<Uint8Array>,
        });
      });
      const fail = (cause?: unknown) =>
        reject(signal.aborted ? (signal.reason as Error) : connectionError(this.#connection.server, cause));
      stream.on('error', fail);
      stream.once('close', fail);
    });
  }

  close(): void {
    void this.#session?.then((session) => session.destroy()).catch(() => undefined);
  }

  #current(): Promise<http2.ClientHttp2Session> {
    this.#session ??= connectTls(this.#connection, this.#identity, ['h2']).then((socket) =>
      this.#open(socket),
    );
    const opening = this.#session;
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined;
    });
    return opening;
  }

  #open(socket: tls.TLSSocket): http2.ClientHttp2Session {
    const session = http2.connect(new URL(this.#connection.server).origin, {
      createConnection: () => socket,
    });
    const drop = () => {
      this.#session = undefined;
    };
    session.once('goaway', drop);
    session.once('close', drop);
    session.on('error', drop);
    // Terraform ends the process; an idle connection must not keep it.
    session.unref();
    return session;
  }
}

/** A verified TLS connection to the API server, through a proxy if one is named. */
async function connectTls(
  connection: Connection,
  identity: ClientIdentity,
  protocols: string[],
): Promise<tls.TLSSocket> {
  const url = new URL(connection.server);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 443);
  const base = connection.proxyUrl
    ? await throughProxy(connection.proxyUrl, host, port, connection.server)
    : undefined;
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host,
      port,
      ...(base && { socket: base }),
      ALPNProtocols: protocols,
      servername: connection.serverName ?? (/^[\d.]+$|:/.test(host) ? '' : host),
      rejectUnauthorized: !connection.isInsecure,
      ...tlsTrust(connection),
      ...(identity.clientCertificate && { cert: identity.clientCertificate, key: identity.clientKey }),
    });
    const fail = (cause: unknown) => {
      socket.destroy();
      reject(connectionError(connection.server, cause));
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail({ code: 'ETIMEDOUT' }));
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** Without a CA of the cluster the system's roots count, as for every other client on this machine. */
function tlsTrust({ ca, serverName, server }: Connection): tls.ConnectionOptions {
  const roots = ca ?? tls.getCACertificates?.('system');
  const name = serverName ?? new URL(server).hostname.replace(/^\[|\]$/g, '');
  return {
    ...(roots !== undefined && roots.length > 0 && { ca: roots }),
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
  };
}

async function throughProxy(proxyUrl: string, host: string, port: number, server: string): Promise<Socket> {
  const { connectThroughProxy } = await import('./transport-http1.ts');
  return connectThroughProxy(proxyUrl, host, port, server);
}

/** Names the kind of failure only: codes are the same in all releases, and quote nothing. */
export function connectionError(server: string, cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  const { code } = (cause ?? {}) as { code?: unknown };
  const known = typeof code === 'string' ? code : 'ECONNRESET';
  return new ConnectionError(server, known, `${MEANINGS[known] ?? 'the connection failed'} (${known})`);
}

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name could not be resolved just now',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
};
