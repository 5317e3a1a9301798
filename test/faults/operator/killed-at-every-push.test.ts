/**
 * The operator is killed at each push of a shard to a relay pod and at each login proof, before the pod sees it and
 * after the pod has acted: it converges, leaves no orphan, and what is published logs in on both pods at every instant.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { LoginLoop } from '../../support/login-loop/index.ts';
import { sharedStore, type SharedStore } from '../../support/shared-store.ts';
import { readCredentials } from '../../support/smtp-client.ts';
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
import { isFull, sized } from '../support/size.ts';
import { killedAtEach, type Deed } from './support/killed-at-each.ts';
import { ProxiedOperator } from './support/proxied-operator.ts';
import { RelayProxy } from './support/relay-proxy/index.ts';

const TEAM = 'team';
/** Above what a reset takes: two pods, each with pushes, logins that are accepted and logins that are refused. */
const MOST_STEPS = 16;
/** Reduced: every other step. */
const STRIDE = sized(1, 2);
const MOMENTS = isFull ? (['before', 'after'] as const) : (['after'] as const);
let operator: ProxiedOperator;
let store: SharedStore;
let proxy: RelayProxy;
let loop: LoginLoop;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  store = await sharedStore(cluster());
  await relay(operator.world, 'main', store.spec);
  await namespace(cluster(), TEAM);
  loop = await LoginLoop.start({
    cluster: cluster(),
    namespace: TEAM,
    secret: 'turning-smtp',
    relay: `${NAMESPACE}/main`,
  });
  await cluster().waitFor('two pods', async () => (await loop.lookForPods()).length === 2, 60_000);
  proxy = await RelayProxy.start(operator, 'main');
}, 1_200_000);
afterAll(async () => {
  await loop?.stop();
  proxy?.stop();
  await store?.stop();
  await operator?.stop();
});

const cluster = () => operator.world.cluster;
const account = (name: string, spec: object = {}): Thing => kind('SmtpAccount', TEAM, name, spec);
const ready = (name: string, check: (object: Thing) => boolean = () => true): Promise<Thing> =>
  until(cluster(), 'SmtpAccount', TEAM, name, (object) => isReady(object) && check(object), 60_000);
const killedEach = (moment: (typeof MOMENTS)[number], deed: Deed): Promise<number> =>
  killedAtEach(
    { operator, arm: (n) => proxy.armKill(n, moment), mostSteps: MOST_STEPS, stride: STRIDE },
    deed,
  );
const change = (name: string, rotation: object): Promise<unknown> => {
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/smtpaccounts/${name}`;
  return cluster().api.call('PATCH', path, { spec: { rotation } }, { patch: 'merge' });
};
const EVERYWHERE = ['accepted', 'accepted'];
const NOWHERE = ['refused', 'refused'];

/** What each pod says to the login that is published now; undefined while none is. */
async function published(name: string): Promise<string[] | undefined> {
  const credentials = await readCredentials(cluster(), TEAM, `${name}-smtp`);
  if (credentials === undefined) return undefined;
  const { username, password, host, 'ca.crt': ca } = credentials as Record<string, string>;
  return loop.once({ ...loop.target, username: username!, password: password!, servername: host!, ca });
}

interface Entry {
  name: string;
  username: string;
  verifiers: { id: string }[];
}

/** Each account has one entry, under a name of its own, with the verifiers that its Secret tells of and no other. */
async function expectNoOrphans(): Promise<void> {
  const entries = await projected<Entry>(cluster(), 'accounts');
  expect(new Set(entries.map(({ username }) => username)).size).toBe(entries.length);
  const { items } = await cluster().api.get<{ items: Thing[] }>(`/api/v1/namespaces/${TEAM}/secrets`);
  const told = items.flatMap(({ metadata: { annotations = {}, labels } }) => {
    if (labels?.['migosmtp.com/type'] !== 'credentials') return [];
    const previous = JSON.parse(annotations['migosmtp.com/previous'] ?? '[]') as { id: string }[];
    const ids = [annotations['migosmtp.com/verifier']!, ...previous.map(({ id }) => id)];
    return [[annotations['migosmtp.com/account']!, new Set(ids)] as const];
  });
  const known = entries.map(({ name, verifiers }) => [name, new Set(verifiers.map(({ id }) => id))] as const);
  expect(new Map(known)).toEqual(new Map(told));
}

test.each(MOMENTS)(
  'create, killed %s each push and login: what is published logs in on both pods',
  async (moment) => {
    const name = (n: number): string => `new-${moment}-${n}`;
    const steps = await killedEach(moment, {
      act: (n) => create(cluster(), account(name(n))),
      whileDead: async (n) => expect([undefined, EVERYWHERE]).toContainEqual(await published(name(n))),
      converged: (n) => ready(name(n)),
    });
    expect(steps).toBeGreaterThanOrEqual(4);
    for (let n = 1; n <= steps + 1; n += STRIDE) expect(await published(name(n))).toEqual(EVERYWHERE);
    await expectNoOrphans();
  },
  900_000,
);

test.each(MOMENTS)(
  'rotate, killed %s each push and login: the published password logs in on both pods at every instant',
  async (moment) => {
    await create(cluster(), account('turning', { rotation: { overlap: '1h' } }));
    await ready('turning');
    await loop.untilPublished('1');
    loop.begin(50);
    const steps = await killedEach(moment, {
      act: (n) => change('turning', { revision: n }),
      converged: (n) => ready('turning', ({ status }) => answeredOf(status)?.rotation === n),
    });
    expect(steps).toBeGreaterThanOrEqual(4);
    const { attempts, failures } = await loop.end();
    expect(attempts).toBeGreaterThan(0);
    expect(failures).toEqual([]);
    expect(await published('turning')).toEqual(EVERYWHERE);
    await expectNoOrphans();
    await remove(cluster(), 'SmtpAccount', TEAM, 'turning');
    await gone('turning');
  },
  900_000,
);

test.each(MOMENTS)(
  'reset, killed %s each push and login: every old password is dead when Ready is True again',
  async (moment) => {
    const name = `leaked-${moment}`;
    await create(cluster(), account(name));
    await ready(name);
    let old: Record<string, string> = {};
    const steps = await killedEach(moment, {
      prepare: async () => {
        old = (await readCredentials(cluster(), TEAM, `${name}-smtp`)) as Record<string, string>;
      },
      act: (n) => change(name, { resetRevision: n }),
      converged: async (n) => {
        await ready(name, ({ status }) => answeredOf(status)?.reset === n);
        const { username, password, host, 'ca.crt': ca } = old;
        const login = { username: username!, password: password!, servername: host!, ca };
        expect(await loop.once({ ...loop.target, ...login })).toEqual(NOWHERE);
        expect(await published(name)).toEqual(EVERYWHERE);
      },
    });
    expect(steps).toBeGreaterThanOrEqual(6);
    await expectNoOrphans();
  },
  900_000,
);

test.each(MOMENTS)(
  'delete, killed %s each push: the login is dead on both pods and nothing is left',
  async (moment) => {
    const name = (n: number): string => `gone-${moment}-${n}`;
    const logins = new Map<number, Record<string, string>>();
    const steps = await killedEach(moment, {
      prepare: async (n) => {
        await create(cluster(), account(name(n)));
        await ready(name(n));
        logins.set(n, (await readCredentials(cluster(), TEAM, `${name(n)}-smtp`)) as Record<string, string>);
      },
      act: (n) => remove(cluster(), 'SmtpAccount', TEAM, name(n)),
      converged: async (n) => {
        await gone(name(n));
        const { username, password, host, 'ca.crt': ca } = logins.get(n)!;
        const login = { username: username!, password: password!, servername: host!, ca };
        await cluster().waitFor('the login to die on both pods', async () => {
          return (await loop.once({ ...loop.target, ...login })).every((said) => said === 'refused');
        });
      },
    });
    expect(steps).toBeGreaterThanOrEqual(2);
    await expectNoOrphans();
  },
  900_000,
);

/** Off the relay, and its Secret collected. */
async function gone(name: string): Promise<void> {
  await cluster().waitFor(
    `${name} to go`,
    async () => {
      const entries = await projected<Entry>(cluster(), 'accounts');
      const secret = await readCredentials(cluster(), TEAM, `${name}-smtp`);
      return secret === undefined && entries.every((entry) => entry.name !== name);
    },
    60_000,
  );
}

function answeredOf(status: Thing['status']): { rotation: number; reset: number } | undefined {
  const { credentials } = (status ?? {}) as {
    credentials?: { answered: { rotation: number; reset: number } };
  };
  return credentials?.answered;
}
