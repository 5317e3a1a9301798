/** What the client itself does, against a server that answers when it is told to. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { KubeClient } from './client.ts';
import { Secrets } from './resources.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

class Gone extends Error {}

/** A server that keeps its answers back, and tells how many requests and connections have come. */
async function slowServer() {
  const waiting: ServerResponse[] = [];
  let answers = false;
  const end = (response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json');
    response.end('{"metadata":{"name":"x"}}');
  };
  const counted = { requests: 0, connections: 0 };
  const server = createServer((_request, response) => {
    counted.requests++;
    server.emit('counted');
    if (answers) end(response);
    else waiting.push(response);
  });
  server.on('connection', () => counted.connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counted,
    until: async (count: number): Promise<void> => {
      while (counted.requests < count) await once(server, 'counted');
    },
    answer: (): void => {
      answers = true;
      for (const response of waiting.splice(0)) end(response);
    },
  };
}

test('a write passes the fence when it is written to its connection: a kept one lets it wait for a turn of the event loop', async () => {
  const server = await slowServer();
  server.answer();
  let isLeader = true;
  const connection = { server: server.url, tls: {}, authorization: () => undefined, namespace: 'team' };
  const client = new KubeClient(connection).fenced(() => {
    if (!isLeader) throw new Gone();
  });
  ends.unshift(() => client.close());
  const write = (name: string): Promise<unknown> =>
    client.create(Secrets, { metadata: { namespace: 'team', name } });
  await write('first');
  await setImmediate();
  const late = expect(write('late')).rejects.toBeInstanceOf(Gone);
  // Everything is done by now that needs no other turn of the event loop.
  await new Promise((done) => process.nextTick(done));
  isLeader = false;
  await late;
  expect(server.counted.requests).toBe(1);
  isLeader = true;
  await write('next');
  expect(server.counted).toMatchObject({ requests: 2, connections: 1 });
});

test('a write that waited for its turn passes the fence when it goes, not when it was asked for', async () => {
  const server = await slowServer();
  let isLeader = true;
  const connection = { server: server.url, tls: {}, authorization: () => undefined, namespace: 'team' };
  const client = new KubeClient(connection).fenced(() => {
    if (!isLeader) throw new Gone();
  });
  ends.unshift(() => client.close());
  const names = Array.from({ length: 60 }, (_, i) => `s${i}`);
  const writes = names.map((name) => client.create(Secrets, { metadata: { namespace: 'team', name } }));
  const settled = Promise.allSettled(writes);
  await server.until(48);
  isLeader = false;
  server.answer();
  const outcomes = await settled;
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(48);
  expect(outcomes.filter((one) => one.status === 'rejected' && one.reason instanceof Gone)).toHaveLength(12);
  expect(server.counted.requests).toBe(48);
  await expect(client.get(Secrets, { namespace: 'team', name: 'x' })).resolves.toBeDefined();
});
