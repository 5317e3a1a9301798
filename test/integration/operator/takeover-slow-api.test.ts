/** Each answer of the API server takes five seconds: the lease is taken and kept all the same. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeClient } from '../../../operator/kube/index.ts';
import { createLog, LeaderElection, NotLeader } from '../../../operator/runtime/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { FaultyApi } from './support/faulty-api.ts';

const LATENCY_MS = 5_000;
let cluster: Cluster;
let api: FaultyApi;
let client: KubeClient;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  api = await FaultyApi.start(cluster.kubeconfig);
  client = new KubeClient(api.connection);
}, 600_000);
afterAll(async () => {
  await client?.close();
  await api?.stop();
  await cluster?.stop();
});

const elector = (identity: string): LeaderElection =>
  new LeaderElection({ client, namespace: 'default', name: 'slow', identity, log: createLog('silent') });

test('a lease is taken, kept, and left to nobody else', async () => {
  api.latencyMs = LATENCY_MS;
  const stop = new AbortController();
  const [a, b] = [elector('a'), elector('b')];
  await a.acquire(stop.signal);
  expect(a.isLeader).toBe(true);
  const held = a.hold(stop.signal);
  let isTaken = false;
  void b.acquire(stop.signal).then(() => (isTaken = !stop.signal.aborted));
  const ends = Promise.race([
    held.then(() => 'stopped'),
    new Promise((resolve) => setTimeout(resolve, 25_000, 'kept')),
  ]);
  await expect(ends).resolves.toBe('kept');
  expect(isTaken).toBe(false);
  api.latencyMs = 0;
  stop.abort();
  await held;
}, 90_000);

test('a holder whose server no longer answers writes nothing after its time', async () => {
  const stop = new AbortController();
  const c = elector('c');
  await c.acquire(stop.signal);
  const lost = c.hold(stop.signal).catch((error: unknown) => error);
  api.fault = () => 'silence';
  expect(await lost).toBeInstanceOf(NotLeader);
  expect(() => c.fence()).toThrow(NotLeader);
  api.fault = () => undefined;
}, 60_000);
