/** An SmtpRelay on PostgreSQL: two pods on one database, rolling, every one of them proven; the store stays its kind. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SmtpRelay } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { SmtpRelays } from '../../../operator/kube/index.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { readCredentials, startSmtpClient, type SmtpClient } from '../../support/smtp-client.ts';
import {
  apply,
  conditionOf,
  create,
  install,
  isReady,
  kind,
  namespace,
  type Installation,
  type Thing,
} from './support/installation.ts';
import { Observer } from './support/observer.ts';

const TEAM = 'team';
let world: Installation;
let postgres: Postgres;
let uri: string;
let relays: Observer<SmtpRelay>;
let client: SmtpClient;

beforeAll(async () => {
  world = await install();
  postgres = await startPostgres({ cluster: world.cluster });
  uri = await postgres.createDatabase();
  await namespace(world.cluster, TEAM);
  relays = await Observer.start(world.cluster, SmtpRelays, NAMESPACE);
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await relays?.stop();
  await postgres?.remove();
  await world?.stop();
});

const thing = (object: unknown): Thing => object as Thing;
const relaySpec = (more: object = {}): Thing => {
  const delivery = { smarthost: { host: world.sink.address, port: world.sink.port, tls: 'None' } };
  const storage = { postgres: { secretRef: { name: 'database' } } };
  return kind('SmtpRelay', NAMESPACE, 'main', {
    delivery,
    storage,
    replicas: 2,
    allowedNamespaces: { from: 'All' },
    ...more,
  });
};
interface Pods {
  items: (Thing & { status: { podIP: string; containerStatuses?: { ready: boolean }[] } })[];
}
const pods = async (): Promise<Pods['items']> => {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=migosmtp.com/relay=main`;
  return (await world.cluster.api.get<Pods>(path)).items;
};

test('waits for the Secret with the connection, and names it', async () => {
  await apply(world.cluster, relaySpec());
  await relays.until(
    NAMESPACE,
    'main',
    (object) => object !== undefined && conditionOf(thing(object), 'Ready')?.reason === 'SecretMissing',
    30_000,
  );
  expect(conditionOf(thing(relays.get(NAMESPACE, 'main')), 'Ready')).toMatchObject({
    status: 'Unknown',
    message: expect.stringMatching(/database.*uri/) as unknown,
  });
});

test('runs two pods on one database; an account logs in on both', async () => {
  await create(world.cluster, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'database', namespace: NAMESPACE },
    data: { uri: Buffer.from(uri).toString('base64') },
  });
  await relays.until(
    NAMESPACE,
    'main',
    (object) => object !== undefined && isReady(thing(object)) && object.status?.readyReplicas === 2,
    180_000,
  );
  await apply(world.cluster, kind('SmtpAccount', TEAM, 'shop', {}));
  await world.cluster.waitFor(
    'the credentials',
    async () => (await readCredentials(world.cluster, TEAM, 'shop-smtp')) !== undefined,
    60_000,
  );
  const credentials = (await readCredentials(world.cluster, TEAM, 'shop-smtp'))!;
  const addresses = (await pods()).map(({ status }) => status.podIP);
  expect(addresses).toHaveLength(2);
  for (const podAddress of addresses) {
    expect((await client.attempt({ credentials, podAddress })).code).toBe(235);
  }
  const tables = await postgres.query('SELECT count(*)::int AS n FROM migosmtp.relays', uri);
  expect(tables).toEqual([{ n: 2 }]);
}, 300_000);

test('made no claim, and rolls without a pod less', async () => {
  const { api } = world.cluster;
  const claims = await api.get<{ items: unknown[] }>(
    `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`,
  );
  expect(claims.items).toEqual([]);
  const deployment = await api.get<{ spec: { strategy: object } }>(
    `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/main-relay`,
  );
  expect(deployment.spec.strategy).toEqual({
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
  });
});

test('does not change its store under mail that may wait, and says so; the pods go on', async () => {
  const before = new Set((await pods()).map(({ metadata }) => metadata.uid));
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${NAMESPACE}/smtprelays/main`;
  const spec = { storage: { postgres: null, embedded: {} }, replicas: 1 };
  await world.cluster.api.call('PATCH', path, { spec }, { patch: 'merge' });
  await relays.until(
    NAMESPACE,
    'main',
    (object) => object !== undefined && conditionOf(thing(object), 'Ready')?.reason === 'StorageChanged',
    30_000,
  );
  expect(conditionOf(thing(relays.get(NAMESPACE, 'main')), 'Ready')?.message).toContain(
    'cannot change from postgres to embedded',
  );
  expect(new Set((await pods()).map(({ metadata }) => metadata.uid))).toEqual(before);
});
