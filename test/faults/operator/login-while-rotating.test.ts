/**
 * A client logs in every 50 ms on each of two relay pods with what is published, while the password is rotated again and
 * again and operator and pods are killed at random: no login is refused. A reset password is dead before Ready is True.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { SmtpAccounts } from '../../../operator/kube/index.ts';
import type { SmtpAccount } from '../../../operator/api/index.ts';
import { LoginLoop } from '../../support/login-loop/index.ts';
import { sharedStore, type SharedStore } from '../../support/shared-store.ts';
import {
  create,
  isReady,
  kind,
  namespace,
  relay,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import { Observer } from '../../integration/operator/support/observer.ts';
import { sized } from '../support/size.ts';
import { ProxiedOperator } from './support/proxied-operator.ts';

const TEAM = 'team';
const NAME = 'app';
const ROTATIONS = sized(100, 8);
const RESETS = sized(20, 3);
const PATH = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/smtpaccounts/${NAME}`;
let operator: ProxiedOperator;
let store: SharedStore;
let loop: LoginLoop;
let accounts: Observer<SmtpAccount>;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  store = await sharedStore(cluster());
  await relay(operator.world, 'main', store.spec);
  await namespace(cluster(), TEAM);
  accounts = await Observer.start(cluster(), SmtpAccounts, TEAM);
  await create(cluster(), kind('SmtpAccount', TEAM, NAME, { rotation: { overlap: '1h' } }));
  await settled(0, 0);
  loop = await LoginLoop.start({
    cluster: cluster(),
    namespace: TEAM,
    secret: `${NAME}-smtp`,
    relay: `${NAMESPACE}/main`,
  });
  await loop.untilPublished('1');
}, 1_200_000);
afterAll(async () => {
  await loop?.stop();
  await accounts?.stop();
  await store?.stop();
  await operator?.stop();
});

const cluster = () => operator.world.cluster;
const settled = (rotation: number, reset: number): Promise<number> =>
  accounts.until(TEAM, NAME, (object) => isSettled(object, rotation, reset), 120_000);
const rotate = (rotation: object): Promise<unknown> =>
  cluster().api.call('PATCH', PATH, { spec: { rotation } }, { patch: 'merge' });

function isSettled(object: SmtpAccount | undefined, rotation: number, reset: number): boolean {
  const answered = object?.status?.credentials?.answered;
  const isDone = answered?.rotation === rotation && answered.reset === reset;
  return isDone && isReady(object as unknown as Thing);
}

/** Gone without a farewell; the Deployment makes another, which starts in the midst of a rotation. */
async function killPod(): Promise<void> {
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const { items } = await cluster().api.get<{ items: Thing[] }>(
    `${pods}?labelSelector=migosmtp.com/relay=main`,
  );
  const victim = items.find(({ metadata }) => !('deletionTimestamp' in metadata));
  const processes = await cluster().processes();
  const target = processes.get(`pod-${victim?.metadata.uid}-relay`);
  if (target !== undefined) process.kill(target.pid, 'SIGKILL');
  await cluster().api.send('DELETE', `${pods}/${victim?.metadata.name}?gracePeriodSeconds=0`);
}

test('no login with a published password is refused', async () => {
  expect(await loop.lookForPods()).toHaveLength(2);
  loop.begin(50);
  const watching = setInterval(() => void loop.lookForPods().catch(() => undefined), 200);
  for (let revision = 1; revision <= ROTATIONS; revision++) {
    await rotate({ revision });
    if (revision % 4 === 1) {
      // At some moment of the rotation, another each time.
      await new Promise((resolve) => setTimeout(resolve, (revision * 37) % 300));
      await operator.kill();
      await operator.run();
    }
    if (revision % 4 === 3) await killPod();
    await settled(revision, 0);
  }
  clearInterval(watching);
  const { attempts, failures } = await loop.end();
  expect(attempts).toBeGreaterThan(ROTATIONS);
  // A pod that was killed answers nothing: what counts is that none refuses.
  expect(failures.filter(({ said }) => /^\d+$/.test(said))).toEqual([]);
}, 3_600_000);

test('a reset password is refused on every pod before Ready is True again, within a second', async () => {
  await cluster().waitFor('two pods', async () => (await loop.lookForPods()).length === 2, 60_000);
  const times: number[] = [];
  for (let reset = 1; reset <= RESETS; reset++) {
    const old = loop.target;
    const startedAt = Date.now();
    const refused = loop.untilRefused(old);
    await rotate({ revision: ROTATIONS, resetRevision: reset });
    await settled(ROTATIONS, reset);
    const readyAt = Date.now();
    const at = await refused;
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThanOrEqual(readyAt);
    expect(await loop.once(old)).toEqual(['refused', 'refused']);
    times.push(at - startedAt);
  }
  expect(Math.max(...times)).toBeLessThan(1_000);
}, 600_000);
