/**
 * The NetworkPolicies as the real API server holds them: what a network that enforces them lets through is exactly what
 * operator, relays and apps need. The test cluster has no such network; test/support/network-policy.ts stands for it.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { relayApi } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import {
  mayReach,
  type Flow,
  type NetworkPolicy,
  type Place,
  type PodPlace,
} from '../../support/network-policy.ts';
import {
  apply,
  get,
  install,
  kind,
  namespace,
  type Installation,
  type Thing,
} from './support/installation.ts';

const { ADMIN_PORT, HEALTH_PORT, STARTTLS_PORT, TLS_PORT } = relayApi;
const DATABASE_PORT = 6432;
const NEXT_HOP_PORT = 2626;
/** delivery.direct with bounces; behind a smarthost; behind a smarthost and on PostgreSQL. */
const RELAYS = ['direct', 'behind', 'shared'] as const;
let world: Installation;
let policies: NetworkPolicy[];
const places: Record<string, PodPlace> = {};

beforeAll(async () => {
  world = await install();
  const { cluster } = world;
  await namespace(cluster, 'shop');
  const smarthost = { host: 'smtp.example.com', port: NEXT_HOP_PORT };
  const data = { uri: Buffer.from(`postgres://u:p@db.example:${DATABASE_PORT}/mail`).toString('base64') };
  await apply(cluster, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: NAMESPACE, name: 'db' },
    data,
  });
  const storage = { postgres: { secretRef: { name: 'db' } } };
  const specs = {
    direct: { delivery: { direct: {} }, bounces: { enabled: true }, hostname: 'smtp.example.com' },
    behind: { delivery: { smarthost } },
    shared: { delivery: { smarthost }, storage },
  };
  for (const name of RELAYS) await apply(cluster, kind('SmtpRelay', NAMESPACE, name, specs[name]));
  policies = await cluster.waitFor(
    'a policy for each relay and the operator',
    async () => {
      const path = '/apis/networking.k8s.io/v1/networkpolicies';
      const { items } = await cluster.api.get<{ items: NetworkPolicy[] }>(path);
      return items.length === RELAYS.length + 1 ? items : undefined;
    },
    90_000,
  );
  places['operator'] = await podsOf('migosmtp-operator');
  for (const name of RELAYS) places[name] = await podsOf(`${name}-relay`);
  const shop = await namespaceOf('shop');
  places['an app'] = { namespace: shop, labels: { app: 'shop' } };
  places['a pod elsewhere with the labels of the operator'] = { ...places['operator'], namespace: shop };
  places['a pod beside the operator'] = { ...places['operator'], labels: { app: 'other' } };
}, 1_200_000);
afterAll(() => world?.stop());

async function namespaceOf(name: string): Promise<PodPlace['namespace']> {
  const { metadata } = await world.cluster.api.get<Thing>(`/api/v1/namespaces/${name}`);
  return { name, labels: metadata.labels ?? {} };
}

/** Where the pods of a Deployment stand. */
async function podsOf(deployment: string): Promise<PodPlace> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${deployment}`;
  const found = await world.cluster.waitFor(deployment, () => world.cluster.api.get<Thing>(path), 60_000);
  const { template } = found.spec as { template: Thing };
  return { namespace: await namespaceOf(NAMESPACE), labels: template.metadata.labels ?? {} };
}

const placeOf = (name: string): Place => places[name] ?? 'outside';
const decides = (from: string, to: string, port: number, protocol: Flow['protocol'] = 'TCP'): boolean =>
  mayReach(policies, { from: placeOf(from), to: placeOf(to), port, protocol });

type Row = [from: string, to: string, port: number, protocol?: Flow['protocol']];

describe('what is needed passes', () => {
  test.each<Row>([
    ['operator', 'direct', ADMIN_PORT],
    ['operator', 'shared', ADMIN_PORT],
    ['operator', 'direct', STARTTLS_PORT],
    ['operator', 'the API server', 6443],
    ['operator', 'the API server', 443],
    ['operator', 'a name server', 53, 'UDP'],
    ['operator', 'a name server', 53],
    ['an app', 'direct', STARTTLS_PORT],
    ['an app', 'behind', TLS_PORT],
    ['an app', 'operator', 8443],
    ['Prometheus', 'operator', 8080],
    ['Prometheus', 'direct', HEALTH_PORT],
    ['another mail server', 'direct', 2525],
    ['direct', 'another mail server', 25],
    ['direct', 'an MTA-STS policy', 443],
    ['direct', 'a name server', 53, 'UDP'],
    ['direct', 'a name server of OpenShift', 5353, 'UDP'],
    ['behind', 'a name server', 53],
    ['behind', 'the next hop', NEXT_HOP_PORT],
    ['shared', 'the next hop', NEXT_HOP_PORT],
    ['shared', 'PostgreSQL', DATABASE_PORT],
  ])('%s to %s on %d', (...row) => {
    expect(decides(...row)).toBe(true);
  });
});

describe('what is not needed is refused', () => {
  test.each<Row>([
    ['an app', 'direct', ADMIN_PORT],
    ['a pod elsewhere with the labels of the operator', 'direct', ADMIN_PORT],
    ['a pod beside the operator', 'direct', ADMIN_PORT],
    ['behind', 'direct', ADMIN_PORT],
    ['outside', 'direct', ADMIN_PORT],
    ['another mail server', 'behind', 2525],
    ['direct', 'the API server', 6443],
    ['direct', 'operator', 8080],
    ['direct', 'a metadata service', 80],
    ['direct', 'PostgreSQL', 5432],
    ['behind', 'another mail server', 25],
    ['behind', 'anything', 443],
    ['behind', 'PostgreSQL', DATABASE_PORT],
    ['shared', 'PostgreSQL', 5432],
    ['operator', 'another mail server', 25],
    ['operator', 'PostgreSQL', DATABASE_PORT],
    ['an app', 'operator', 9229],
  ])('%s to %s on %d', (...row) => {
    expect(decides(...row)).toBe(false);
  });
});

const EVERY_PORT = Array.from({ length: 65_535 }, (_, index) => index + 1);

test.each([
  ['direct', [STARTTLS_PORT, TLS_PORT, 2525, HEALTH_PORT]],
  ['behind', [STARTTLS_PORT, TLS_PORT, HEALTH_PORT]],
  ['shared', [STARTTLS_PORT, TLS_PORT, HEALTH_PORT]],
  ['operator', [8080, 8443]],
])('of all ports an app reaches these of %s and no other', (to, ports) => {
  const open = EVERY_PORT.filter((port) => decides('an app', to, port));
  expect(open).toEqual(ports.toSorted((a, b) => a - b));
  expect(EVERY_PORT.filter((port) => decides('an app', to, port, 'UDP'))).toEqual([]);
});

test.each([
  ['direct', [25, 53, 443, 5353]],
  ['behind', [53, NEXT_HOP_PORT, 5353]],
  ['shared', [53, NEXT_HOP_PORT, 5353, DATABASE_PORT]],
])('of all ports outside %s reaches these and no other', (from, ports) => {
  expect(EVERY_PORT.filter((port) => decides(from, 'outside', port))).toEqual(ports);
  expect(EVERY_PORT.filter((port) => decides(from, 'outside', port, 'UDP'))).toEqual([53, 5353]);
});

test('a relay whose spec changes has the policy that it needs now', async () => {
  const { cluster } = world;
  await apply(
    cluster,
    kind('SmtpRelay', NAMESPACE, 'behind', { delivery: { smarthost: { host: 'mx.example', port: 465 } } }),
  );
  await cluster.waitFor('the policy to follow', async () => {
    const policy = (await get(
      cluster,
      'NetworkPolicy',
      NAMESPACE,
      'behind-relay',
    )) as unknown as NetworkPolicy;
    policies = policies.map((each) => (each.metadata.name === 'behind-relay' ? policy : each));
    return decides('behind', 'the next hop', 465) && !decides('behind', 'the next hop', NEXT_HOP_PORT);
  });
});
