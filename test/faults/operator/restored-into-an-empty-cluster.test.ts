/**
 * A cluster is lost; Secrets and resources are restored from a backup into an empty one: the same passwords log in, the
 * earlier one of an overlap too, and nothing is minted. With the relay's own Secrets, and without them.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { API_VERSION, KINDS } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import {
  readCredentials,
  startSmtpClient,
  type Credentials,
  type SmtpClient,
} from '../../support/smtp-client.ts';
import type { Cluster } from '../../cluster/index.ts';
import {
  apply,
  create,
  get,
  install,
  isReady,
  kind,
  namespace,
  relay,
  until,
  type Installation,
  type Thing,
} from '../../integration/operator/support/installation.ts';

const TEAM = 'team';
const ACCOUNTS = ['plain', 'turned', 'brought'];
let secrets: Thing[];
let resources: Thing[];
const before = new Map<string, Credentials>();
/** The password that `turned` had before it was rotated. */
let earlier: string;
let world: Installation | undefined;
let client: SmtpClient | undefined;

/** A cluster with a relay and accounts, backed up and lost. */
beforeAll(async () => {
  world = await install();
  const { cluster } = world;
  await relay(world);
  await namespace(cluster, TEAM);
  const source = { password: Buffer.from('correct horse battery').toString('base64') };
  await create(cluster, { ...secretNamed(TEAM, 'chosen'), data: source });
  await create(cluster, kind('PlanLimit', TEAM, 'plan', { plan: '10k' }));
  await create(cluster, kind('SmtpAccount', TEAM, 'plain', {}));
  await create(cluster, kind('SmtpAccount', TEAM, 'turned', { rotation: { revision: 1, overlap: '24h' } }));
  await create(cluster, kind('SmtpAccount', TEAM, 'brought', { passwordFrom: { name: 'chosen' } }));
  await allReady(cluster);
  earlier = (await credentialsOf(cluster, 'turned'))['password']!;
  await apply(cluster, kind('SmtpAccount', TEAM, 'turned', { rotation: { revision: 2, overlap: '24h' } }));
  await allReady(cluster);
  for (const name of ACCOUNTS) before.set(name, await credentialsOf(cluster, name));
  expect(before.get('turned')!['password']).not.toBe(earlier);
  secrets = await backup(cluster, 'Secret', [TEAM, NAMESPACE]);
  resources = (
    await Promise.all(
      KINDS.map(({ kind }) => backup(cluster, kind, kind === 'SmtpRelay' ? [NAMESPACE] : [TEAM])),
    )
  ).flat();
  await world.stop();
  world = undefined;
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
});

const secretNamed = (home: string, name: string): Thing => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: home, name },
});
const credentialsOf = async (cluster: Cluster, name: string): Promise<Credentials> =>
  (await readCredentials(cluster, TEAM, `${name}-smtp`))!;
async function allReady(cluster: Cluster): Promise<void> {
  for (const name of ACCOUNTS) await until(cluster, 'SmtpAccount', TEAM, name, isReady, 90_000);
}

/** As backup tools keep objects: without what the server gave them; without owners, who have another uid now. */
async function backup(cluster: Cluster, kind: string, homes: readonly string[]): Promise<Thing[]> {
  const plural = KINDS.find((entry) => entry.kind === kind)?.plural;
  const root = plural === undefined ? '/api/v1' : `/apis/${API_VERSION}`;
  const lists = await Promise.all(
    homes.map((home) =>
      cluster.api.get<{ items: (Thing & { type?: string })[] }>(
        `${root}/namespaces/${home}/${plural ?? 'secrets'}`,
      ),
    ),
  );
  return lists
    .flatMap(({ items }) => items)
    .filter(({ type }) => type !== 'kubernetes.io/service-account-token')
    .map(({ metadata, spec, data, type }) => {
      const { namespace, name, labels, annotations } = metadata;
      const kept = {
        name,
        namespace: namespace!,
        ...(labels && { labels }),
        ...(annotations && { annotations }),
      };
      const content = { ...(spec && { spec }), ...(data && { data }), ...(type !== undefined && { type }) };
      return { apiVersion: plural === undefined ? 'v1' : API_VERSION, kind, metadata: kept, ...content };
    });
}

/** Into an empty cluster whose operator runs already, in no good order: accounts before their relay. */
async function restore(isWanted: (secret: Thing) => boolean): Promise<Cluster> {
  world = await install();
  const { cluster, sink } = world;
  await namespace(cluster, TEAM);
  for (const secret of secrets.filter(isWanted)) {
    const { status } = await cluster.api.send(
      'POST',
      `/api/v1/namespaces/${secret.metadata.namespace}/secrets`,
      secret,
    );
    // Those of the reports service are made by the operator that runs already.
    expect([201, 409]).toContain(status);
  }
  const last = (object: Thing): number => Number(object.kind === 'SmtpRelay');
  for (const object of resources.toSorted((a, b) => last(a) - last(b))) {
    if (object.kind === 'SmtpRelay') {
      object.spec!['delivery'] = { smarthost: { host: sink.address, port: sink.port, tls: 'None' } };
    }
    await create(cluster, object);
  }
  await until(cluster, 'SmtpRelay', NAMESPACE, 'main', isReady, 90_000);
  await allReady(cluster);
  client = await startSmtpClient(cluster, NAMESPACE);
  return cluster;
}

const login = async (credentials: Credentials): Promise<number> =>
  (await client!.attempt({ credentials })).code;

async function expectSameLogins(cluster: Cluster): Promise<void> {
  for (const name of ACCOUNTS) {
    const after = await credentialsOf(cluster, name);
    const { username, password } = before.get(name)!;
    expect(after).toMatchObject({ username, password });
    expect(await login(after)).toBe(235);
    const restored = secrets.find(({ metadata }) => metadata.name === `${name}-smtp`)!.metadata.annotations!;
    const present = (await get(cluster, 'Secret', TEAM, `${name}-smtp`)).metadata.annotations!;
    for (const fact of ['credentials-revision', 'issued-at', 'answered', 'previous']) {
      expect([fact, present[`migosmtp.com/${fact}`]]).toEqual([fact, restored[`migosmtp.com/${fact}`]]);
    }
  }
}

async function lose(): Promise<void> {
  client?.stop();
  client = undefined;
  await world?.stop();
  world = undefined;
}

test('with every Secret: all passwords log in, the earlier one too, under the same authority', async () => {
  const cluster = await restore(() => true);
  await expectSameLogins(cluster);
  const turned = await credentialsOf(cluster, 'turned');
  expect(turned['ca.crt']).toBe(before.get('turned')!['ca.crt']);
  expect(await login({ ...turned, password: earlier })).toBe(235);
  await lose();
}, 400_000);

test('with the Secrets of the workspace only: the published passwords log in on a relay that starts from nothing', async () => {
  const cluster = await restore(({ metadata }) => metadata.namespace === TEAM);
  for (const name of ACCOUNTS) {
    const after = await credentialsOf(cluster, name);
    const { username, password } = before.get(name)!;
    expect(after).toMatchObject({ username, password });
    expect(await login(after)).toBe(235);
  }
  await lose();
}, 400_000);
