import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newestLogs } from '../pod-logs.ts';
import type { AgentConfig } from './config.ts';

/**
 * Answers `kubectl logs` (the API server asks for /containerLogs/namespace/pod/container). Only clients with a
 * certificate of the cluster's authority are served.
 * @returns the port on 127.0.0.1
 */
export async function serveLogs(config: AgentConfig): Promise<number> {
  const server = createServer(
    {
      ca: readFileSync(config.credentials.authority),
      cert: readFileSync(config.serving.certificate),
      key: readFileSync(config.serving.key),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://agent');
      const [, what, namespace = '', pod = '', container = ''] = url.pathname
        .split('/')
        .map(decodeURIComponent);
      const isPlain = [namespace, pod, container].every((part) => /^[a-z0-9][a-z0-9.-]*$/.test(part));
      if (what !== 'containerLogs' || !isPlain) {
        response.writeHead(404).end('only containerLogs is served here\n');
        return;
      }
      const logs = join(config.folder, 'logs');
      answer(response, logs, [namespace, pod, container], url.searchParams).catch(() => response.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function answer(
  response: ServerResponse,
  clusterLogs: string,
  [namespace, pod, container]: readonly [string, string, string],
  query: URLSearchParams,
): Promise<void> {
  const files = await newestLogs(clusterLogs, namespace, pod, container);
  const path = files.at(query.get('previous') === 'true' ? -2 : -1);
  if (path === undefined) {
    response.writeHead(404).end(`no logs of container ${container}\n`);
    return;
  }
  const text = readFileSync(path, 'utf8');
  const count = Number(query.get('tailLines') ?? Number.NaN);
  const lines = text.split('\n');
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write(Number.isNaN(count) ? text : lines.slice(-count - 1).join('\n'));
  if (query.get('follow') === 'true') await follow(response, path, Buffer.byteLength(text));
  response.end();
}

/** Sends what is appended until the reader goes away. */
async function follow(response: ServerResponse, path: string, from: number): Promise<void> {
  for (let position = from; !response.destroyed; await delay(200)) {
    const { size } = statSync(path);
    if (size <= position) continue;
    for await (const chunk of createReadStream(path, { start: position, end: size - 1 }))
      response.write(chunk);
    position = size;
  }
}
