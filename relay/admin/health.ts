/**
 * /livez, /readyz, /healthz and /metrics, plain HTTP. Ready: mail can be taken and logins judged. Healthy: also nothing
 * is wrong that another pod or a restart would not mend, such as a queue that is stuck.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { RelayError } from '../errors.ts';

export interface HealthOptions {
  readonly address: string;
  readonly port: number;
  /** What keeps us from being ready; empty: ready. */
  readiness(): readonly string[];
  /** What is wrong, also where mail can still be taken; empty: nothing. */
  health(): readonly string[];
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HealthServer {
  readonly port: number;
  close(): void;
}

export async function startHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    handle(options, request.url ?? '/', response).catch(() => response.writeHead(500).end());
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  const { address, port } = options;
  try {
    server.listen(port, address);
    await once(server, 'listening');
  } catch (cause) {
    throw new RelayError('R_LISTEN', { address, port, purpose: 'health' }, cause);
  }
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function handle(options: HealthOptions, url: string, response: ServerResponse): Promise<void> {
  switch (url.split('?')[0]) {
    case '/livez':
      return text(response, 200, 'ok\n');
    case '/readyz':
      return verdict(response, options.readiness());
    case '/healthz':
      return verdict(response, options.health());
    case '/metrics': {
      const { contentType, text: body } = await options.metrics();
      return text(response, 200, body, contentType);
    }
    default:
      return text(response, 404, 'not found\n');
  }
}

function verdict(response: ServerResponse, problems: readonly string[]): void {
  if (problems.length === 0) text(response, 200, 'ok\n');
  else text(response, 503, `${problems.join('\n')}\n`);
}

function text(
  response: ServerResponse,
  status: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response
    .writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
    .end(body);
}
