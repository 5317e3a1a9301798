/** The life of an account on the real control plane: created, logged in, rotated, reset, deleted; with its times. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { Secrets, SmtpAccounts, type Secret } from '../../../operator/kube/index.ts';
import type { SmtpAccount } from '../../../operator/api/index.ts';
import {
  readCredentials,
  startSmtpClient,
  type Credentials,
  type SmtpClient,
} from '../../support/smtp-client.ts';
import {
  apply,
  conditionOf,
  create,
  install,
  isReady,
  kind,
  namespace,
  relay,
  remove,
  type Installation,
  type Thing,
} from './support/installation.ts';
import { Observer } from './support/observer.ts';

const TEAM = 'team';
/** Python's handshake and the relay's delay before a refusal; see REFUSAL_DELAY_MS in relay/session. */
const REFUSAL_MS = 400;

let world: Installation;
let accounts: Observer<SmtpAccount>;
let secrets: Observer<Secret>;
let client: SmtpClient;

beforeAll(async () => {
  world = await install();
  await relay(world);
  await namespace(world.cluster, TEAM);
  accounts = await Observer.start(world.cluster, SmtpAccounts, TEAM);
  secrets = await Observer.start(world.cluster, Secrets, TEAM);
  // Full Service names are all that a Secret has: any namespace does.
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await Promise.all([accounts?.stop(), secrets?.stop()]);
  await world?.stop();
});

const account = (spec: object): Thing => kind('SmtpAccount', TEAM, 'app', spec);
const rotation = (revision: number, resetRevision: number): object => ({
  rotation: { revision, resetRevision, overlap: '3s' },
});
const ready = (object: SmtpAccount | undefined): boolean =>
  object !== undefined && isReady(object as unknown as Thing);
const credentials = async (): Promise<Credentials> =>
  (await readCredentials(world.cluster, TEAM, 'app-smtp'))!;
const login = async (c: Credentials, mode: 'starttls' | 'tls' = 'starttls'): Promise<number> =>
  (await client.attempt({ credentials: c, mode })).code;
/** When the first login that is refused was begun. */
async function untilRefused(c: Credentials): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const at = performance.now();
    if ((await login(c)) === 535) return Math.round(at - startedAt);
    if (at - startedAt > 10_000) throw new Error('the password is still accepted');
  }
}

const times: Record<string, number> = {};
afterAll(() => {
  process.stdout.write(`times in ms: ${JSON.stringify(times)}\n`);
});

let first: Credentials;
let second: Credentials;
let third: Credentials;

test('an account is Ready within two seconds, and its Secret logs in on both ports with full verification', async () => {
  await create(world.cluster, account(rotation(1, 0)));
  times['created to Ready'] = await accounts.until(TEAM, 'app', ready);
  expect(times['created to Ready']).toBeLessThan(2_000);
  first = await credentials();
  expect(first).toMatchObject({
    type: 'smtp',
    provider: 'migosmtp',
    host: `main-relay.${NAMESPACE}.svc`,
    port: '587',
    username: expect.stringMatching(/^smtpuser_[0-9a-f]{8}$/),
    password: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
    encryption: 'starttls',
    SMTP_USERNAME: first['username'],
    SMTP_PASSWORD: first['password'],
  });
  expect(first['uri']).toBe(`smtp://${first['username']}:${first['password']}@${first['host']}:587`);
  expect(await login(first)).toBe(235);
  expect(await login(first, 'tls')).toBe(235);
});

test('status names what people need and says each step', () => {
  const { status } = accounts.get(TEAM, 'app')!;
  expect(status).toMatchObject({
    username: first['username'],
    binding: { name: 'app-smtp' },
    relayRef: { name: 'main', namespace: NAMESPACE },
    ports: { starttls: 587, tls: 465 },
    credentials: { revision: 1, answered: { rotation: 1, reset: 0 } },
  });
  const thing = accounts.get(TEAM, 'app') as unknown as Thing;
  for (const type of ['Ready', 'PlanAccepted', 'RelaySynced', 'LoginVerified', 'SecretReady']) {
    expect(conditionOf(thing, type)).toMatchObject({ type, status: 'True' });
  }
});

test('raising rotation.revision publishes a new password within two seconds; both log in during the overlap', async () => {
  await apply(world.cluster, account(rotation(2, 0)));
  times['rotated to published'] = await secrets.until(
    TEAM,
    'app-smtp',
    (secret) => secret?.metadata.annotations?.['migosmtp.com/credentials-revision'] === '2',
  );
  expect(times['rotated to published']).toBeLessThan(2_000);
  second = await credentials();
  expect(second['password']).not.toBe(first['password']);
  expect(second['username']).toBe(first['username']);
  expect([await login(second), await login(first)]).toEqual([235, 235]);
  await accounts.until(TEAM, 'app', ready);
  expect(accounts.get(TEAM, 'app')?.status?.credentials).toMatchObject({
    revision: 2,
    answered: { rotation: 2 },
    previous: [{ revision: 1 }],
  });
});

test('after the overlap the old password is refused and the new one goes on', async () => {
  expect(await untilRefused(first)).toBeLessThan(4_500);
  expect(await login(second)).toBe(235);
  await accounts.until(TEAM, 'app', (object) => object?.status?.credentials?.previous === undefined);
});

test('lowering rotation.revision does nothing and says so', async () => {
  await apply(world.cluster, account(rotation(1, 0)));
  const says = (object: SmtpAccount | undefined): boolean =>
    /rotation\.revision 1 is below 2/.test(conditionOf(object as unknown as Thing)?.message ?? '');
  await accounts.until(TEAM, 'app', says);
  expect(await credentials()).toMatchObject({ password: second['password'] });
});

test('a reset kills the old password within a second, and Ready is True again only after that', async () => {
  await apply(world.cluster, account(rotation(2, 1)));
  const refused = untilRefused(second);
  const isAnswered = (object: SmtpAccount | undefined): boolean =>
    object?.status?.credentials?.answered.reset === 1 && ready(object);
  const readyAt = accounts.until(TEAM, 'app', isAnswered);
  times['reset to refused'] = await refused;
  times['reset to Ready'] = await readyAt;
  expect(times['reset to refused']).toBeLessThan(1_000);
  third = await credentials();
  expect(await login(third)).toBe(235);
  expect(await login(second)).toBe(535);
});

test('a deleted account is refused within two seconds and its Secret goes', async () => {
  await remove(world.cluster, 'SmtpAccount', TEAM, 'app');
  times['deleted to refused'] = await untilRefused(third);
  expect(times['deleted to refused']).toBeLessThan(2_000 - REFUSAL_MS);
  await secrets.until(TEAM, 'app-smtp', (secret) => secret === undefined, 30_000);
});

test('an account of the same name is another one: new username, new password', async () => {
  await create(world.cluster, account(rotation(0, 0)));
  await accounts.until(TEAM, 'app', ready);
  const fourth = await credentials();
  expect(fourth['username']).not.toBe(third['username']);
  expect(fourth['password']).not.toBe(third['password']);
  expect(await login(fourth)).toBe(235);
});

test('deleted and created again at once: the old login dies, nothing is stuck', async () => {
  const old = await credentials();
  await remove(world.cluster, 'SmtpAccount', TEAM, 'app');
  const { metadata } = await create(world.cluster, account({}));
  await accounts.until(
    TEAM,
    'app',
    (object) => object?.metadata.uid === metadata.uid && ready(object),
    30_000,
  );
  const fresh = await credentials();
  expect(fresh['password']).not.toBe(old['password']);
  expect([await login(fresh), await login(old)]).toEqual([235, 535]);
}, 60_000);
