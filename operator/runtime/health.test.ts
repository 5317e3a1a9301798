import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Server } from 'node:http';
import { startHealthServer } from './health.ts';
import { Metrics } from './metrics.ts';
import { WorkQueue } from './queue.ts';

const metrics = new Metrics();
const state = { isAlive: true, isReady: false };
let server: Server;

beforeAll(async () => {
  server = await startHealthServer({
    port: 0,
    metrics,
    isAlive: () => state.isAlive,
    isReady: () => state.isReady,
  });
});
afterAll(() => void server.close());

async function ask(path: string): Promise<{ status: number; text: string }> {
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

test('a process is ready once its caches are filled, and alive before', async () => {
  expect([(await ask('/livez')).status, (await ask('/readyz')).status]).toEqual([200, 503]);
  state.isReady = true;
  expect((await ask('/readyz')).status).toBe(200);
  state.isAlive = false;
  expect((await ask('/livez')).status).toBe(503);
  expect((await ask('/elsewhere')).status).toBe(404);
});

test('metrics tell how many keys wait now, also while no worker takes any', async () => {
  const queue = new WorkQueue();
  metrics.watchQueue('account', () => queue.depth);
  for (const key of ['a', 'b', 'c']) queue.add(key);
  expect((await ask('/metrics')).text).toMatch(/^migosmtp_queue_depth\{controller="account"\} 3$/m);
  await queue.take();
  queue.add('d');
  queue.add('e');
  expect((await ask('/metrics')).text).toMatch(/^migosmtp_queue_depth\{controller="account"\} 4$/m);
  queue.stop();
});

test('metrics count reconciles and requests by their outcome', async () => {
  metrics.reconciles.inc({ controller: 'account', outcome: 'ok' });
  metrics.countRequest({ method: 'PATCH', resource: 'secrets', status: 409, seconds: 0.02 });
  const { text } = await ask('/metrics');
  expect(text).toMatch(/^migosmtp_reconcile_total\{controller="account",outcome="ok"\} 1$/m);
  expect(text).toMatch(/^migosmtp_api_requests_total\{method="PATCH",resource="secrets",code="409"\} 1$/m);
});
