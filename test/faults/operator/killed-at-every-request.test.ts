/**
 * The operator is killed at each of its requests while it creates, rotates and deletes an account: it converges, leaves
 * no orphan, and what is published logs in at every instant.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { LoginLoop } from '../../support/login-loop/index.ts';
import {
  create,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  remove,
  until,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import { isFull } from '../support/size.ts';
import { killedAtEach, type Deed } from './support/killed-at-each.ts';
import { ProxiedOperator } from './support/proxied-operator.ts';

const TEAM = 'team';
/** Above what a create or a rotation takes, so that a test that never ends is noticed. */
const MOST_STEPS = 12;
const MOMENTS = isFull ? (['before', 'after'] as const) : (['after'] as const);
let operator: ProxiedOperator;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  await relay(operator.world);
  await namespace(operator.world.cluster, TEAM);
}, 1_200_000);
afterAll(() => operator?.stop());

const cluster = () => operator.world.cluster;
const account = (name: string, spec: object = {}): Thing => kind('SmtpAccount', TEAM, name, spec);
const ready = (name: string, check: (object: Thing) => boolean = () => true): Promise<Thing> =>
  until(cluster(), 'SmtpAccount', TEAM, name, (object) => isReady(object) && check(object), 60_000);

const killedEach = (moment: (typeof MOMENTS)[number], deed: Deed): Promise<number> =>
  killedAtEach({ operator, arm: (n) => operator.armKill(n, moment), mostSteps: MOST_STEPS }, deed);

test.each(MOMENTS)(
  'create, killed %s each request',
  async (moment) => {
    const name = (n: number): string => `new-${moment}-${n}`;
    const steps = await killedEach(moment, {
      act: (n) => create(cluster(), account(name(n))),
      converged: (n) => ready(name(n)),
    });
    expect(steps).toBeGreaterThanOrEqual(3);
    const entries = await projected<{ name: string; username: string }>(cluster(), 'accounts');
    for (let n = 1; n <= steps + 1; n++) {
      expect(entries.filter((entry) => entry.name === name(n))).toHaveLength(1);
    }
    expect(new Set(entries.map(({ username }) => username)).size).toBe(entries.length);
    const { items } = await cluster().api.get<{ items: Thing[] }>(`/api/v1/namespaces/${TEAM}/secrets`);
    const ours = items.filter(({ metadata }) => metadata.labels?.['migosmtp.com/type'] === 'credentials');
    expect(ours).toHaveLength(entries.length);
  },
  900_000,
);

test.each(MOMENTS)(
  'rotate, killed %s each request: the published password logs in at every instant',
  async (moment) => {
    const name = `turning-${moment}`;
    await create(cluster(), account(name, { rotation: { overlap: '1h' } }));
    await ready(name);
    const secret = `${name}-smtp`;
    const loop = await LoginLoop.start({
      cluster: cluster(),
      namespace: TEAM,
      secret,
      relay: `${NAMESPACE}/main`,
    });
    try {
      await loop.untilPublished('1');
      await loop.lookForPods();
      loop.begin(50);
      const path = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/smtpaccounts/${name}`;
      const steps = await killedEach(moment, {
        act: (n) =>
          cluster().api.call('PATCH', path, { spec: { rotation: { revision: n } } }, { patch: 'merge' }),
        converged: (n) => ready(name, ({ status }) => answeredOf(status) === n),
      });
      expect(steps).toBeGreaterThanOrEqual(3);
      const { attempts, failures } = await loop.end();
      expect(attempts).toBeGreaterThan(0);
      expect(failures).toEqual([]);
      expect(await loop.once(loop.target)).toEqual(['accepted']);
    } finally {
      await loop.stop();
    }
  },
  900_000,
);

test.each(MOMENTS)(
  'delete, killed %s each request: the login is dead and nothing is left',
  async (moment) => {
    const name = (n: number): string => `gone-${moment}-${n}`;
    const left = async (n: number): Promise<boolean> =>
      (await projected<{ name: string }>(cluster(), 'accounts')).some((entry) => entry.name === name(n));
    const steps = await killedEach(moment, {
      prepare: async (n) => {
        await create(cluster(), account(name(n)));
        await ready(name(n));
      },
      act: (n) => remove(cluster(), 'SmtpAccount', TEAM, name(n)),
      converged: (n) => cluster().waitFor('the entry to go', async () => !(await left(n)), 60_000),
    });
    expect(steps).toBeGreaterThanOrEqual(1);
  },
  900_000,
);

function answeredOf(status: Thing['status']): number | undefined {
  const { credentials } = (status ?? {}) as { credentials?: { answered: { rotation: number } } };
  return credentials?.answered.rotation;
}
