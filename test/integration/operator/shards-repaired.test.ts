/** Somebody deletes and changes the Secrets that relay pods mount: they come back, and no login is lost. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { relayApi } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { readCredentials, startSmtpClient, type SmtpClient } from '../../support/smtp-client.ts';
import {
  apply,
  create,
  get,
  install,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

let world: Installation;
let client: SmtpClient;

beforeAll(async () => {
  world = await install({ env: { SECRET_CHECK_SECONDS: '1' } });
  await relay(world);
  await namespace(world.cluster, 'team');
  await create(world.cluster, kind('SmtpAccount', 'team', 'app', {}));
  await until(world.cluster, 'SmtpAccount', 'team', 'app', isReady, 30_000);
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
});

test('shards that are deleted, emptied or damaged are written again, and a new pod starts with them', async () => {
  const { cluster } = world;
  const before = await readCredentials(cluster, 'team', 'app-smtp');
  const own = relayApi.shardOf('account/team/app');
  const others = [0, 1, 2].map((step) => (own + 1 + step) % relayApi.SHARD_COUNT);
  const path = (shard: number): string => `/api/v1/namespaces/${NAMESPACE}/secrets/main-config-${shard}`;
  const versions = await Promise.all(others.map((shard) => version(shard)));
  for (const shard of [own, others[0]!]) await cluster.api.call('DELETE', path(shard));
  const damaged = Buffer.from('{"format": 1, "accounts": [').toString('base64');
  for (const [shard, value] of [
    [others[1]!, damaged],
    [others[2]!, null],
  ] as const) {
    const data = { [relayApi.SHARD_SECRET_KEY]: value };
    await cluster.api.call('PATCH', path(shard), { data }, { patch: 'merge' });
  }
  await cluster.waitFor(
    'all shards to be whole',
    async () => {
      const entries = await projected<{ name: string }>(cluster, 'accounts');
      const present = await Promise.all(others.map((shard) => version(shard)));
      return entries.some(({ name }) => name === 'app') && present.every((one, i) => one > versions[i]!);
    },
    30_000,
  );
  await cluster.kubectl(['delete', 'pod', '-n', NAMESPACE, '-l', 'migosmtp.com/relay=main']);
  await until(cluster, 'SmtpRelay', NAMESPACE, 'main', isReady, 90_000);
  await until(cluster, 'SmtpAccount', 'team', 'app', isReady, 30_000);
  expect(await readCredentials(cluster, 'team', 'app-smtp')).toEqual(before);
  const login = (): Promise<number> => client.attempt({ credentials: before! }).then(({ code }) => code);
  await cluster.waitFor('the login', async () => (await login()) === 235);
}, 400_000);

test('a shard that somebody puts back as it was earlier takes no password back', async () => {
  const { cluster } = world;
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/main-config-${relayApi.shardOf('account/team/app')}`;
  const { data } = await cluster.api.get<Thing>(path);
  const rotation = { revision: 1, overlap: '0s' };
  await apply(cluster, kind('SmtpAccount', 'team', 'app', { rotation }));
  const credentialsOf = ({ status }: Thing) =>
    status?.['credentials'] as { revision: number; previous?: object };
  // The old password has ended, and nothing is written any more by itself.
  const hasRotated = (object: Thing): boolean =>
    isReady(object) && credentialsOf(object).revision === 2 && credentialsOf(object).previous === undefined;
  await until(cluster, 'SmtpAccount', 'team', 'app', hasRotated, 30_000);
  const rotated = await readCredentials(cluster, 'team', 'app-smtp');
  const shard = relayApi.shardOf('account/team/app');
  const before = await version(shard);
  await cluster.api.call('PATCH', path, { data }, { patch: 'merge' });
  const logins: number[] = [];
  await cluster.waitFor(
    'the shard to be whole',
    async () => {
      logins.push((await client.attempt({ credentials: rotated! })).code);
      return (await version(shard)) > before;
    },
    60_000,
  );
  for (let count = 0; count < 10; count++)
    logins.push((await client.attempt({ credentials: rotated! })).code);
  expect(new Set(logins)).toEqual(new Set([235]));
  expect(await readCredentials(cluster, 'team', 'app-smtp')).toEqual(rotated);
  const after = await get(cluster, 'SmtpAccount', 'team', 'app');
  expect(credentialsOf(after).revision).toBe(2);
}, 150_000);

/** Revision of a shard's document; 0 where there is none that can be read. */
async function version(shard: number): Promise<number> {
  try {
    const { data } = await get(world.cluster, 'Secret', NAMESPACE, `main-config-${shard}`);
    const text = Buffer.from(data?.[relayApi.SHARD_SECRET_KEY] ?? '', 'base64').toString();
    return (JSON.parse(text) as { revision: number }).revision;
  } catch {
    return 0;
  }
}
