/** The admin API of a pod, passed through; a push of shards is a step. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { relayApi } from '../../../../../operator/api/index.ts';
import type { Identities } from './protocol.ts';
import type { Steps } from './steps.ts';

export async function proxyAdmin(
  via: string,
  pod: string,
  { admin, client }: Identities,
  steps: Steps,
): Promise<void> {
  const agent = new Agent({ ...client, keepAlive: true, servername: relayApi.ADMIN_SERVER_NAME });
  const server = createServer(admin, (incoming, answer) => {
    pass(incoming, answer, { agent, pod, steps }).catch(() => answer.destroy());
  });
  server.listen(relayApi.ADMIN_PORT, via);
  await once(server, 'listening');
}

async function pass(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { agent, pod, steps }: { agent: Agent; pod: string; steps: Steps },
): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming;
  const body = await buffer(incoming);
  const step = method === 'PUT' && path === '/v1/shards' ? steps.begin() : undefined;
  if (step?.before() === false) return;
  const upstream = request({ agent, host: pod, port: relayApi.ADMIN_PORT, method, path, headers });
  upstream.end(body);
  const [reply] = (await once(upstream, 'response')) as [IncomingMessage];
  const text = await buffer(reply);
  if (step?.after() === false) return;
  answer.writeHead(reply.statusCode ?? 502, { 'content-type': reply.headers['content-type'] }).end(text);
}
