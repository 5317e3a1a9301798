/**
 * Secrets come back from a backup with owner references of the lost cluster, as `kubectl get -o yaml` keeps them. The
 * garbage collector deletes what only owners have that are gone: what it has not taken yet is saved.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { signalTo } from '../../cluster/processes.ts';
import {
  create,
  get,
  install,
  isReady,
  kind,
  namespace,
  relay,
  remove,
  until,
  type Installation,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import {
  readCredentials,
  startSmtpClient,
  type Credentials,
  type SmtpClient,
} from '../../support/smtp-client.ts';

const TEAM = 'team';
const ACCOUNTS = ['early', 'slow', 'retained', 'taken'];
const backup = new Map<string, Thing>();
const before = new Map<string, Credentials>();
let world: Installation | undefined;
let client: SmtpClient | undefined;

type Owned = Thing & { metadata: { ownerReferences?: { kind: string; uid: string }[] } };

const spec = (name: string): object => (name === 'retained' ? { secret: { deletionPolicy: 'Retain' } } : {});
const declare = (name: string): Promise<Thing> =>
  create(world!.cluster, kind('SmtpAccount', TEAM, name, spec(name)));
const secretPath = (name: string): string => `/api/v1/namespaces/${TEAM}/secrets/${name}-smtp`;
const secretOf = (name: string): Promise<Owned> => get(world!.cluster, 'Secret', TEAM, `${name}-smtp`);
const isGone = async (name: string): Promise<boolean> =>
  (await world!.cluster.api.send('GET', secretPath(name))).status === 404;
const ownersOf = ({ metadata }: Owned): string[] => (metadata.ownerReferences ?? []).map(({ uid }) => uid);
const credentialsOf = async (name: string): Promise<Credentials> =>
  (await readCredentials(world!.cluster, TEAM, `${name}-smtp`))!;

/** With its owners; without what the API server refuses at creation. */
async function putSecret(name: string): Promise<void> {
  const { metadata, ...content } = backup.get(name)!;
  const { resourceVersion: _, ...kept } = metadata as Thing['metadata'] & { resourceVersion?: string };
  await create(world!.cluster, { apiVersion: 'v1', kind: 'Secret', ...content, metadata: kept });
}

type Signal = 'SIGSTOP' | 'SIGCONT';

async function collector(signal: Signal): Promise<void> {
  signalTo((await world!.cluster.processes()).get('kube-controller-manager')!, signal);
}

async function operator(signal: Signal): Promise<void> {
  const processes = [...(await world!.cluster.processes())];
  const [, found] = processes.find(([name]) => /^pod-.*-operator$/.test(name))!;
  signalTo(found, signal);
}

beforeAll(async () => {
  world = await install();
  await relay(world);
  await namespace(world.cluster, TEAM);
  for (const name of ACCOUNTS) await declare(name);
  for (const name of ACCOUNTS) {
    await until(world.cluster, 'SmtpAccount', TEAM, name, isReady, 90_000);
    before.set(name, await credentialsOf(name));
    const secret = await secretOf(name);
    // A backup is older than the moment of its restore: a minute at least, which this test does not wait for.
    const issuedAt = '2020-01-01T00:00:00Z';
    Object.assign(secret.metadata.annotations!, { 'migosmtp.com/issued-at': issuedAt });
    backup.set(name, secret);
  }
  await world.stop();
  world = await install();
  await namespace(world.cluster, TEAM);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
});

test('the collector deletes a Secret whose owner is gone, though an account of that name is there', async () => {
  await declare('early');
  // It would save the Secret where the collector, which has just started, is slower.
  await operator('SIGSTOP');
  try {
    await putSecret('early');
    await world!.cluster.waitFor('its deletion', () => isGone('early'), 60_000);
  } finally {
    await operator('SIGCONT');
  }
  await remove(world!.cluster, 'SmtpAccount', TEAM, 'early');
}, 120_000);

test('a Secret that is still there gets the present account as its owner, before there is a relay', async () => {
  await collector('SIGSTOP');
  for (const name of ['slow', 'taken', 'retained']) {
    await putSecret(name);
    const { metadata } = await declare(name);
    const wanted = name === 'retained' ? [] : [metadata.uid];
    await world!.cluster.waitFor(
      `the owner of ${name}`,
      async () => JSON.stringify(ownersOf(await secretOf(name))) === JSON.stringify(wanted),
    );
  }
}, 120_000);

test('one that is collected all the same, after it was read, is put back', async () => {
  // As a collector does it that had looked before the owner changed: by uid.
  const { metadata } = await secretOf('taken');
  const options = { preconditions: { uid: metadata.uid } };
  await world!.cluster.api.call('DELETE', secretPath('taken'), options);
  await world!.cluster.waitFor('the Secret', async () => !(await isGone('taken')), 30_000);
  expect((await secretOf('taken')).metadata.uid).not.toBe(metadata.uid);
  expect(await credentialsOf('taken')).toMatchObject(before.get('taken')!);
}, 120_000);

test('with the collector at work again the same passwords log in', async () => {
  await collector('SIGCONT');
  await relay(world!);
  client = await startSmtpClient(world!.cluster, NAMESPACE);
  for (const name of ['slow', 'taken', 'retained']) {
    await until(world!.cluster, 'SmtpAccount', TEAM, name, isReady, 90_000);
    const credentials = await credentialsOf(name);
    const { username, password } = before.get(name)!;
    expect(credentials).toMatchObject({ username, password });
    expect((await client.attempt({ credentials })).code).toBe(235);
  }
}, 200_000);

test('an account that is deleted after a restore and made again has a new password', async () => {
  const old = await credentialsOf('slow');
  await remove(world!.cluster, 'SmtpAccount', TEAM, 'slow');
  await declare('slow');
  await until(world!.cluster, 'SmtpAccount', TEAM, 'slow', isReady, 90_000);
  expect((await credentialsOf('slow'))['password']).not.toBe(old['password']);
  expect((await client!.attempt({ credentials: old })).code).toBe(535);
}, 200_000);
