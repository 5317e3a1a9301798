/**
 * The operator is killed at each write while a relay is made, gets another hostname, and is deleted: it converges, an
 * authority that was published is never replaced, and what is published logs in afterwards.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { relayApi } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { readCredentials, startSmtpClient, type SmtpClient } from '../../support/smtp-client.ts';
import {
  conditionOf,
  create,
  get,
  isReady,
  kind,
  namespace,
  relay,
  remove,
  until,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import { isFull, sized } from '../support/size.ts';
import { killedAtEach, type Deed } from './support/killed-at-each.ts';
import { isWrite, ProxiedOperator } from './support/proxied-operator.ts';

const TEAM = 'team';
/** Four certificates, 32 shards, six objects, settings and status; some of them twice after a kill. */
const MOST_STEPS = 80;
/** Steps of a creation that are left out: its shards are all alike. */
const STRIDE = sized(3, 17);
/** And of a change of its hostname. */
const CHANGE_STRIDE = sized(1, 2);
let operator: ProxiedOperator;
let client: SmtpClient;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  await namespace(cluster(), TEAM);
  client = await startSmtpClient(cluster(), NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await operator?.stop();
});

const cluster = () => operator.world.cluster;
const killedEach = (moment: 'before' | 'after', deed: Deed, stride = 1): Promise<number> => {
  const arm = (n: number) => operator.armKill(n, moment, isWrite);
  return killedAtEach({ operator, arm, mostSteps: MOST_STEPS, stride }, deed);
};
const ready = (name: string, check: (object: Thing) => boolean = () => true): Promise<Thing> =>
  until(cluster(), 'SmtpRelay', NAMESPACE, name, (object) => isReady(object) && check(object), 90_000);
const spec = (more: Record<string, unknown> = {}): Record<string, unknown> => {
  const { sink } = operator.world;
  const delivery = { smarthost: { host: sink.address, port: sink.port, tls: 'None' } };
  return { delivery, allowedNamespaces: { from: 'All' }, deletionPolicy: 'Delete', ...more };
};

/** Certificates of the authorities, as far as they are there. */
async function authorities(name: string): Promise<Record<string, string>> {
  const found = await Promise.all(
    ['ca', 'admin-ca'].map(async (suffix) => {
      const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${name}-${suffix}`;
      const { status, body } = await cluster().api.send<Thing>('GET', path);
      return status === 200 ? [[suffix, body.data?.['tls.crt'] ?? '']] : [];
    }),
  );
  return Object.fromEntries(found.flat()) as Record<string, string>;
}

/** Names of what carries the relay's label. */
async function belongings(name: string): Promise<string[]> {
  const lists = ['api/v1', 'apis/apps/v1', 'apis/networking.k8s.io/v1'].flatMap((root, index) =>
    [
      ['secrets', 'services', 'configmaps', 'persistentvolumeclaims', 'pods'],
      ['deployments'],
      ['networkpolicies'],
    ][index]!.map(
      (plural) => `/${root}/namespaces/${NAMESPACE}/${plural}?labelSelector=migosmtp.com/relay=${name}`,
    ),
  );
  const answers = await Promise.all(lists.map((path) => cluster().api.get<{ items: Thing[] }>(path)));
  return answers.flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
}

async function gone(name: string): Promise<void> {
  await cluster().waitFor(
    `everything of ${name} to go`,
    async () => (await belongings(name)).length === 0,
    90_000,
  );
}

test.each(isFull ? (['before', 'after'] as const) : (['after'] as const))(
  'made, killed %s its writes: it serves, under the authority that was published first',
  async (moment) => {
    const name = (n: number): string => `new-${moment}-${n}`;
    const seen = new Map<number, Record<string, string>>();
    const steps = await killedEach(
      moment,
      {
        act: (n) => create(cluster(), kind('SmtpRelay', NAMESPACE, name(n), spec())),
        whileDead: async (n) => seen.set(n, await authorities(name(n))),
        converged: (n) => ready(name(n)),
      },
      STRIDE,
    );
    expect(steps).toBeGreaterThan(relayApi.SHARD_COUNT);
    for (let n = 1; n <= steps + 1; n += STRIDE) {
      const present = await authorities(name(n));
      expect(Object.keys(present)).toHaveLength(2);
      expect(present).toMatchObject(seen.get(n) ?? {});
      // Authorities, certificates and shards; Service, ConfigMap, claim, pod; Deployment; NetworkPolicy.
      expect(await belongings(name(n))).toHaveLength(4 + relayApi.SHARD_COUNT + 4 + 1 + 1);
      await remove(cluster(), 'SmtpRelay', NAMESPACE, name(n));
    }
    for (let n = 1; n <= steps + 1; n += STRIDE) await gone(name(n));
  },
  1_800_000,
);

test('gets another hostname, killed after each write: credentials follow, and log in', async () => {
  await relay(operator.world, 'main', spec());
  await create(cluster(), kind('SmtpAccount', TEAM, 'app', {}));
  await until(cluster(), 'SmtpAccount', TEAM, 'app', isReady, 60_000);
  const before = await authorities('main');
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${NAMESPACE}/smtprelays/main`;
  const password = (await readCredentials(cluster(), TEAM, 'app-smtp'))?.['password'];
  const deed: Deed = {
    act: (n) =>
      cluster().api.call('PATCH', path, { spec: { hostname: `smtp${n}.example.com` } }, { patch: 'merge' }),
    converged: async (n) => {
      await ready('main');
      await cluster().waitFor(
        'the credentials to follow',
        async () => {
          const credentials = await readCredentials(cluster(), TEAM, 'app-smtp');
          if (credentials?.['host'] !== `smtp${n}.example.com`) return false;
          expect(credentials['password']).toBe(password);
          const [pod] = await pods('main');
          return (await client.attempt({ credentials, ...(pod && { podAddress: pod }) })).code === 235;
        },
        120_000,
      );
    },
  };
  expect(await killedEach('after', deed, CHANGE_STRIDE)).toBeGreaterThanOrEqual(3);
  expect(await authorities('main')).toEqual(before);
  expect(conditionOf(await get(cluster(), 'SmtpAccount', TEAM, 'app'))?.status).toBe('True');
}, 1_800_000);

async function pods(name: string): Promise<string[]> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=migosmtp.com/relay=${name}`;
  const { items } = await cluster().api.get<{ items: { status: { podIP?: string } }[] }>(path);
  return items.flatMap(({ status }) => (status.podIP === undefined ? [] : [status.podIP]));
}
