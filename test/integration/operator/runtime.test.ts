/** The operator's runtime against the real API server, with a proxy between them that fails on demand. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ConfigMaps,
  isAlreadyExists,
  isKubeError,
  KubeClient,
  loadConnection,
  Leases,
  Secrets,
  type ConfigMap,
} from '../../../operator/kube/index.ts';
import {
  createLog,
  Informer,
  LeaderElection,
  NotLeader,
  type Change,
} from '../../../operator/runtime/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { FaultyApi } from './support/faulty-api.ts';

const log = createLog('silent');
let cluster: Cluster;
let api: FaultyApi;
/** Through the proxy: what is tested. */
let client: KubeClient;
/** Straight to the server: what happens meanwhile. */
let other: KubeClient;
let counter = 0;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  api = await FaultyApi.start(cluster.kubeconfig);
  client = new KubeClient(api.connection, { timeoutMs: 4_000 });
  other = new KubeClient(await loadConnection(cluster.kubeconfig));
}, 600_000);
afterAll(async () => {
  await Promise.all([client?.close(), other?.close()]);
  await api?.stop();
  await cluster?.stop();
});

afterEach(() => {
  api.fault = () => undefined;
});

/** A namespace for each test. */
async function fresh(): Promise<string> {
  const name = `t${++counter}`;
  await cluster.api.call('POST', '/api/v1/namespaces', { metadata: { name } });
  return name;
}
const map = (namespace: string, name: string, value = '1'): ConfigMap => ({
  metadata: { namespace, name },
  data: { value },
});
async function eventually(check: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!check()) {
    if (Date.now() > deadline) throw new Error('not within the time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Watched {
  informer: Informer<ConfigMap>;
  changes: Change<ConfigMap>[];
  names: () => string[];
  stop: () => void;
}
async function follow(namespaces: string[]): Promise<Watched> {
  const informer = new Informer<ConfigMap>({ client, resource: ConfigMaps, log, namespaces });
  const changes: Change<ConfigMap>[] = [];
  informer.onChange((change) => changes.push(change));
  const stop = new AbortController();
  informer.start(stop.signal);
  await informer.whenSynced;
  const names = (): string[] =>
    [...informer.values()]
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== 'kube-root-ca.crt')
      .toSorted();
  return { informer, changes, names, stop: () => stop.abort() };
}

describe('informer', () => {
  test('lists in pages and follows what changes', async () => {
    const namespace = await fresh();
    await Promise.all(
      Array.from({ length: 1_100 }, (_, index) => other.create(ConfigMaps, map(namespace, `m${index}`))),
    );
    const { names, changes, stop } = await follow([namespace]);
    expect(names()).toHaveLength(1_100);
    expect(
      api.requests.filter((line) => line.includes(`/${namespace}/`) && line.includes('continue=')),
    ).toHaveLength(2);
    await other.merge(ConfigMaps, { namespace, name: 'm7' }, { data: { value: '2' } });
    await other.remove(ConfigMaps, { namespace, name: 'm8' });
    await eventually(() => names().length === 1_099);
    const seen = changes
      .filter(({ isInitial }) => !isInitial)
      .map(({ type, object }) => `${type} ${object.metadata.name}`);
    expect(seen).toEqual(expect.arrayContaining(['Updated m7', 'Removed m8']));
    stop();
  }, 60_000);

  test('catches up after its connections were cut and the server was away', async () => {
    const namespace = await fresh();
    const { names, stop } = await follow([namespace]);
    api.fault = ({ method }) => (method === 'GET' ? { status: 503 } : undefined);
    api.cut();
    await other.create(ConfigMaps, map(namespace, 'meanwhile'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(names()).toEqual([]);
    api.fault = () => undefined;
    await eventually(() => names().length === 1);
    stop();
  });

  test('begins with a list when the history is gone, and tells what vanished meanwhile', async () => {
    const namespace = await fresh();
    await other.create(ConfigMaps, map(namespace, 'stays'));
    await other.create(ConfigMaps, map(namespace, 'goes'));
    const { names, changes, stop } = await follow([namespace]);
    let answered = 0;
    api.fault = ({ url }) =>
      url.includes('watch=true') && ++answered < 3 ? { status: 410, reason: 'Expired' } : undefined;
    api.cut();
    await other.remove(ConfigMaps, { namespace, name: 'goes' });
    await eventually(() => names().length === 1);
    expect(changes.at(-1)).toMatchObject({ type: 'Removed', object: { metadata: { name: 'goes' } } });
    stop();
  });

  test('a list that fails or is forbidden removes nobody', async () => {
    const namespace = await fresh();
    await other.create(ConfigMaps, map(namespace, 'kept'));
    const { names, changes, stop } = await follow([namespace]);
    const before = changes.length;
    for (const status of [403, 500]) {
      api.fault = ({ method }) => (method === 'GET' ? { status } : undefined);
      api.cut();
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect([names(), changes.length]).toEqual([['kept'], before]);
    }
    stop();
  });

  test('a namespace that is refused leaves the others to work on, and counts as unknown', async () => {
    const open = await fresh();
    const closed = await fresh();
    await other.create(ConfigMaps, map(open, 'seen'));
    api.fault = ({ url }) => (url.includes(`/${closed}/`) ? { status: 403, reason: 'Forbidden' } : undefined);
    const { informer, names, stop } = await follow([open, closed]);
    expect(names()).toEqual(['seen']);
    expect([informer.isSynced(open), informer.isSynced(closed), informer.isSynced()]).toEqual([
      true,
      false,
      false,
    ]);
    api.fault = () => undefined;
    await eventually(() => informer.isSynced());
    stop();
  });

  test('an object that was deleted and made again while nobody looked is two changes', async () => {
    const namespace = await fresh();
    await other.create(ConfigMaps, map(namespace, 'twin'));
    const { changes, stop } = await follow([namespace]);
    api.fault = ({ url }) => (url.includes('watch=true') ? { status: 500 } : undefined);
    api.cut();
    await other.remove(ConfigMaps, { namespace, name: 'twin' });
    const { metadata } = await other.create(ConfigMaps, map(namespace, 'twin'));
    let lists = 0;
    api.fault = ({ url }) => (url.includes('watch=true') && lists++ === 0 ? { status: 410 } : undefined);
    await eventually(() => changes.at(-1)?.object.metadata.uid === metadata.uid);
    expect(changes.slice(-2).map(({ type }) => type)).toEqual(['Removed', 'Added']);
    stop();
  });
});

describe('requests', () => {
  test('fail by kind', async () => {
    const namespace = await fresh();
    await client.create(ConfigMaps, map(namespace, 'a'));
    const exists = await client.create(ConfigMaps, map(namespace, 'a')).catch((error: unknown) => error);
    expect(isAlreadyExists(exists)).toBe(true);
    const stale = { ...map(namespace, 'a'), metadata: { namespace, name: 'a', resourceVersion: '1' } };
    const conflict = await client.replace(ConfigMaps, stale).catch((error: unknown) => error);
    expect(isKubeError(conflict, 'Conflict') && !isAlreadyExists(conflict)).toBe(true);
    await expect(client.get(ConfigMaps, { namespace, name: 'none' })).rejects.toMatchObject({
      kind: 'NotFound',
    });
    await expect(client.create(ConfigMaps, map(namespace, 'NOT VALID'))).rejects.toMatchObject({
      kind: 'Invalid',
    });
    expect(await client.remove(ConfigMaps, { namespace, name: 'none' })).toBe(false);
    await expect(client.remove(ConfigMaps, { namespace, name: 'a' }, { uid: 'other' })).rejects.toMatchObject(
      { kind: 'Conflict' },
    );
  });

  test('a throttled request is repeated after Retry-After, a failed one is left to the queue', async () => {
    const namespace = await fresh();
    let throttled = 0;
    api.fault = ({ method }) =>
      method === 'POST' && throttled++ < 2 ? { status: 429, headers: { 'retry-after': '0' } } : undefined;
    await client.create(ConfigMaps, map(namespace, 'patient'));
    expect(throttled).toBe(3);
    api.fault = ({ method }) => (method === 'POST' ? { status: 500 } : undefined);
    await expect(client.create(ConfigMaps, map(namespace, 'b'))).rejects.toMatchObject({ kind: 'Temporary' });
    api.fault = () => undefined;
  });

  test('a write without an answer is Unknown, a read is Temporary', async () => {
    const namespace = await fresh();
    api.fault = () => 'silence';
    await expect(client.create(ConfigMaps, map(namespace, 'c'))).rejects.toMatchObject({ kind: 'Unknown' });
    await expect(client.get(ConfigMaps, { namespace, name: 'c' })).rejects.toMatchObject({
      kind: 'Temporary',
    });
    api.fault = () => undefined;
  });

  test('an error about a Secret does not repeat its content', async () => {
    const namespace = await fresh();
    const secret = {
      metadata: { namespace, name: 's' },
      data: { 'bad key!': 'c2VjcmV0LXZhbHVl' },
      type: 'secret-value',
    };
    const error = await client.create(Secrets, secret).catch((problem: unknown) => problem as Error);
    expect(error).toMatchObject({ kind: 'Invalid' });
    expect((error as Error).message).not.toMatch(/secret-value|c2VjcmV0/);
  });

  test('server-side apply with force takes fields over, without it a conflict names the other', async () => {
    const namespace = await fresh();
    await client.create(ConfigMaps, map(namespace, 'owned', 'theirs'));
    await cluster.api.call(
      'PATCH',
      `/api/v1/namespaces/${namespace}/configmaps/owned?fieldManager=other&force=true`,
      { apiVersion: 'v1', kind: 'ConfigMap', ...map(namespace, 'owned', 'others') },
      { patch: 'apply' },
    );
    await expect(client.apply(ConfigMaps, map(namespace, 'owned', 'ours'))).rejects.toMatchObject({
      kind: 'Conflict',
    });
    const taken = await client.apply(ConfigMaps, map(namespace, 'owned', 'ours'), { force: true });
    expect(taken.data).toEqual({ value: 'ours' });
  });
});

describe('leader election', () => {
  const times = { leaseMs: 6_000, renewDeadlineMs: 4_000, retryMs: 200 };
  const elector = (namespace: string, identity: string): LeaderElection =>
    new LeaderElection({ client, namespace, name: 'lease', identity, log, ...times });

  test('one leads; when it gives the lease up the next leads at once', async () => {
    const namespace = await fresh();
    const stop = new AbortController();
    const [a, b] = [elector(namespace, 'a'), elector(namespace, 'b')];
    await a.acquire(stop.signal);
    const held = a.hold(stop.signal);
    let isTaken = false;
    const second = b.acquire(stop.signal).then(() => (isTaken = true));
    await new Promise((resolve) => setTimeout(resolve, 7_500));
    expect([isTaken, a.isLeader]).toEqual([false, true]);
    stop.abort();
    await held;
    await second;
    await a.release();
    expect(() => a.fence()).toThrow(NotLeader);
    const third = elector(namespace, 'c');
    const startedAt = Date.now();
    await third.acquire(new AbortController().signal);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  }, 40_000);

  test('the lease is taken and renewed while hundreds of other requests wait for an answer', async () => {
    const namespace = await fresh();
    const stop = new AbortController();
    api.fault = ({ url }) => (url.includes('/configmaps/') ? 'silence' : undefined);
    const others = Array.from({ length: 300 }, () =>
      client.get(ConfigMaps, { namespace, name: 'silent' }).catch(() => undefined),
    );
    const leader = elector(namespace, 'a');
    const first = await Promise.race([
      leader.acquire(stop.signal).then(() => 'lease'),
      Promise.race(others).then(() => 'others'),
    ]);
    expect(first).toBe('lease');
    const held = leader.hold(stop.signal);
    await Promise.all(others);
    expect(leader.isLeader).toBe(true);
    stop.abort();
    await held;
  }, 60_000);

  test('a leader that cannot renew stops writing before another may begin', async () => {
    const namespace = await fresh();
    const stop = new AbortController();
    const leader = elector(namespace, 'a');
    await leader.acquire(stop.signal);
    const writer = client.fenced(leader.fence);
    await writer.create(ConfigMaps, map(namespace, 'while-leading'));
    const lost = leader.hold(stop.signal).catch((error: unknown) => error);
    // What the other replica sees: a lease that nobody renews.
    api.fault = ({ method, url }) =>
      method === 'PUT' && url.includes('/leases/') ? { status: 500 } : undefined;
    const renewed = await client.get(Leases, { namespace, name: 'lease' });
    expect(await lost).toBeInstanceOf(NotLeader);
    await expect(writer.create(ConfigMaps, map(namespace, 'after'))).rejects.toBeInstanceOf(NotLeader);
    api.fault = () => undefined;
    const age = Date.now() - Date.parse(renewed.spec!.renewTime!);
    expect(age).toBeLessThan(times.leaseMs);
    stop.abort();
  }, 40_000);
});
