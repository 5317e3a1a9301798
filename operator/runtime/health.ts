/** `/livez`, `/readyz` and `/metrics` over plain HTTP. */
import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  port: number;
  metrics: Metrics;
  isAlive: () => boolean;
  isReady: () => boolean;
}

export async function startHealthServer(options: HealthOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const say = (isGood: boolean): void => {
      response.writeHead(isGood ? 200 : 503, { 'content-type': 'text/plain' }).end(isGood ? 'ok\n' : 'no\n');
    };
    switch (request.url) {
      case '/livez':
        return say(options.isAlive());
      case '/readyz':
        return say(options.isReady());
      case '/metrics':
        void options.metrics.registry.metrics().then(
          (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
          () => response.writeHead(500).end(),
        );
        return undefined;
      default:
        response.writeHead(404).end();
        return undefined;
    }
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, resolve);
  });
  return server;
}
