/** SmtpRelay on the real control plane: what it is made of, what changes reach, what outlives it; and mass removal. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { relayApi, type SmtpAccount, type SmtpRelay } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { Secrets, SmtpAccounts, SmtpRelays, type Secret } from '../../../operator/kube/index.ts';
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
let world: Installation;
let relays: Observer<SmtpRelay>;
let accounts: Observer<SmtpAccount>;
let secrets: Observer<Secret>;
let client: SmtpClient;

beforeAll(async () => {
  world = await install();
  await relay(world);
  await namespace(world.cluster, TEAM);
  relays = await Observer.start(world.cluster, SmtpRelays, NAMESPACE);
  accounts = await Observer.start(world.cluster, SmtpAccounts, TEAM);
  secrets = await Observer.start(world.cluster, Secrets, NAMESPACE);
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await Promise.all([relays?.stop(), accounts?.stop(), secrets?.stop()]);
  await world?.stop();
});

const thing = (object: unknown): Thing => object as Thing;
const credentialsOf = async (name: string): Promise<Credentials> =>
  (await readCredentials(world.cluster, TEAM, `${name}-smtp`))!;
const login = async (credentials: Credentials, podAddress?: string): Promise<number> =>
  (await client.attempt({ credentials, ...(podAddress === undefined ? {} : { podAddress }) })).code;
async function account(name: string): Promise<Credentials> {
  await apply(world.cluster, kind('SmtpAccount', TEAM, name, {}));
  await accounts.until(TEAM, name, (object) => object !== undefined && isReady(thing(object)), 30_000);
  return credentialsOf(name);
}
const relaySpec = (more: object): Thing => {
  const delivery = { smarthost: { host: world.sink.address, port: world.sink.port, tls: 'None' } };
  return kind('SmtpRelay', NAMESPACE, 'main', { delivery, allowedNamespaces: { from: 'All' }, ...more });
};
const relayReady = (generation: number) => (object: SmtpRelay | undefined) =>
  object !== undefined && isReady(thing(object)) && object.metadata.generation! >= generation;
const namesIn = (secret: Secret | undefined): string =>
  new X509Certificate(Buffer.from(secret!.data!['tls.crt']!, 'base64')).subjectAltName ?? '';
interface Pods {
  items: (Thing & {
    spec: { volumes: object[]; automountServiceAccountToken: boolean };
    status: { podIP: string };
  })[];
}
const pods = (): Promise<Pods> =>
  world.cluster.api.get<Pods>(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=migosmtp.com/relay=main`);

test('pods have no API token and no authority key; their Secrets are those of the relay', async () => {
  const [pod] = (await pods()).items;
  expect(pod?.spec.automountServiceAccountToken).toBe(false);
  const volumes = JSON.stringify(pod?.spec.volumes);
  expect(volumes).not.toMatch(/serviceaccount|-token-|main-ca|main-admin-ca/);
  for (let shard = 0; shard < relayApi.SHARD_COUNT; shard++) {
    expect(secrets.get(NAMESPACE, `main-config-${shard}`)?.metadata.labels).toMatchObject({
      'migosmtp.com/relay': 'main',
    });
  }
});

test('no Secret of the relay holds a password', async () => {
  const { password, username } = await account('hidden');
  for (let shard = 0; shard < relayApi.SHARD_COUNT; shard++) {
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/main-config-${shard}`;
    const { data } = await world.cluster.api.get<Secret>(path);
    const text = Buffer.from(data![relayApi.SHARD_SECRET_KEY]!, 'base64').toString();
    expect(text).not.toContain(password);
    if (text.includes(username!)) expect(text).toContain('"sha256"');
  }
});

test('the admin API answers nobody without a certificate of the relay', async () => {
  const [pod] = (await pods()).items;
  const script = `
import ssl, socket, sys
context = ssl._create_unverified_context()
try:
    with context.wrap_socket(socket.create_connection((sys.argv[1], ${relayApi.ADMIN_PORT}), 5)) as s:
        s.sendall(b"GET /v1/state HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"); print(s.recv(64))
except (ssl.SSLError, OSError) as error: print("refused", error)`;
  const { stdout } = await world.cluster.exec(['python3', '-c', script, pod!.status.podIP], {
    packages: ['python3'],
  });
  expect(stdout).toMatch(/refused|b''/);
});

test('a new hostname reaches certificate, credentials and logins', async () => {
  const before = await account('follows');
  const { metadata } = await apply(world.cluster, relaySpec({ hostname: 'smtp.example.com' }));
  await relays.until(NAMESPACE, 'main', relayReady(metadata.generation!), 30_000);
  // Written before the relay is Ready; this watch of Secrets may hear of it a moment later.
  await secrets.until(NAMESPACE, 'main-tls', (secret) => namesIn(secret).includes('DNS:smtp.example.com'));
  await world.cluster.waitFor(
    'the Secret to follow',
    async () => (await credentialsOf('follows'))['host'] === 'smtp.example.com',
  );
  const after = await credentialsOf('follows');
  expect(after['password']).toBe(before['password']);
  const [pod] = (await pods()).items;
  // The mounted certificate follows its Secret after the kubelet's delay.
  await world.cluster.waitFor(
    'the pod to show it',
    async () => (await login(after, pod!.status.podIP)) === 235,
    120_000,
  );
  await apply(world.cluster, relaySpec({}));
  await world.cluster.waitFor(
    'the way back',
    async () => (await credentialsOf('follows'))['host'] === before['host'],
  );
}, 200_000);

test('a pod that is replaced is in step before it counts, and every login works on it', async () => {
  const credentials = await account('stays');
  const [old] = (await pods()).items;
  await world.cluster.api.call('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/${old!.metadata.name}`);
  await relays.until(
    NAMESPACE,
    'main',
    (object) => (object?.status?.pods ?? []).every(({ name }) => name !== old!.metadata.name),
    60_000,
  );
  await relays.until(NAMESPACE, 'main', relayReady(1), 60_000);
  expect(await login(credentials)).toBe(235);
}, 120_000);

/** What the condition says once no more accounts join those that are held. */
async function settledHold(): Promise<string> {
  const message = (object: SmtpRelay | undefined): string | undefined => {
    const condition = conditionOf(thing(object), 'RemovalsHeld');
    return condition?.status === 'True' ? condition.message : undefined;
  };
  await relays.until(NAMESPACE, 'main', (object) => message(object) !== undefined, 20_000);
  for (let last = ''; ;) {
    const present = message(relays.get(NAMESPACE, 'main'))!;
    if (present === last) return present;
    last = present;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}

test('many accounts that vanish at once keep their logins until somebody confirms', async () => {
  const names = Array.from({ length: 14 }, (_, index) => `bulk${index}`);
  const all = await Promise.all(names.map((name) => account(name)));
  await Promise.all(names.map((name) => remove(world.cluster, 'SmtpAccount', TEAM, name)));
  const held = await settledHold();
  const token = /confirm-removals=([0-9a-f]+)/.exec(held)![1]!;
  const answers = await inTurn(all, (credentials) => login(credentials));
  expect(answers.filter((code) => code === 235)).toHaveLength(Number.parseInt(held, 10));
  expect(Number.parseInt(held, 10)).toBeGreaterThan(3);
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${NAMESPACE}/smtprelays/main`;
  const annotations = { 'migosmtp.com/confirm-removals': token };
  await world.cluster.api.call('PATCH', path, { metadata: { annotations } }, { patch: 'merge' });
  await world.cluster.waitFor('the logins to die', async () => (await login(all.at(-1)!)) === 535);
  await relays.until(
    NAMESPACE,
    'main',
    (object) => conditionOf(thing(object), 'RemovalsHeld')?.status === 'False',
    20_000,
  );
}, 120_000);

test('a namespace that goes takes its logins along, however many', async () => {
  await namespace(world.cluster, 'passing');
  const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
  await Promise.all(names.map((name) => create(world.cluster, kind('SmtpAccount', 'passing', name, {}))));
  const read = () => readCredentials(world.cluster, 'passing', 'p11-smtp');
  const credentials = await world.cluster.waitFor('the Secret', read);
  await world.cluster.api.call('DELETE', '/api/v1/namespaces/passing');
  await world.cluster.waitFor('the login to die', async () => (await login(credentials)) === 535, 20_000);
  expect(conditionOf(thing(relays.get(NAMESPACE, 'main')), 'RemovalsHeld')?.status).toBe('False');
}, 60_000);

test('a relay that is deleted and made again keeps volume, authority and logins', async () => {
  const before = await account('survives');
  const authority = secrets.get(NAMESPACE, 'main-ca')!.metadata.uid;
  await remove(world.cluster, 'SmtpRelay', NAMESPACE, 'main');
  await accounts.until(
    TEAM,
    'survives',
    (object) => conditionOf(thing(object))?.reason === 'RelayNotFound',
    20_000,
  );
  expect(await credentialsOf('survives')).toEqual(before);
  await world.cluster.waitFor('the pods to go', async () => (await pods()).items.length === 0, 90_000);
  await relay(world);
  await accounts.until(TEAM, 'survives', (object) => object !== undefined && isReady(thing(object)), 60_000);
  expect(secrets.get(NAMESPACE, 'main-ca')!.metadata.uid).toBe(authority);
  expect(await credentialsOf('survives')).toEqual(before);
  expect(await login(before)).toBe(235);
}, 240_000);
