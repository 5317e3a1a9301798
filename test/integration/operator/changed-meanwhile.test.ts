/** What accounts are told while relays, namespaces and Secrets change around them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { SmtpAccounts } from '../../../operator/kube/index.ts';
import { readCredentials, startSmtpClient, type SmtpClient } from '../../support/smtp-client.ts';
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
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';
import { Observer } from './support/observer.ts';

let world: Installation;
let client: SmtpClient;

beforeAll(async () => {
  world = await install();
  await relay(world, 'main', {
    allowedNamespaces: { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } },
  });
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
});

const ready = (ns: string, name: string): Promise<Thing> =>
  until(world.cluster, 'SmtpAccount', ns, name, isReady, 30_000);
const credentialsOf = (ns: string, secret: string) => readCredentials(world.cluster, ns, secret);
const untilAnswered = async (ns: string, secret: string, code: number): Promise<void> => {
  const credentials = await credentialsOf(ns, secret);
  await world.cluster.waitFor(
    `a login of ${ns}/${secret} to be answered with ${code}`,
    async () => (await client.attempt({ credentials: credentials! })).code === code,
    15_000,
  );
};
const labelled = (ns: string, labels: Record<string, string>): Promise<void> =>
  namespace(world.cluster, ns, labels);
const opaque = (ns: string, name: string, text: Record<string, string>): Promise<Thing> =>
  apply(world.cluster, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: ns, name },
    data: Object.fromEntries(
      Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  });

test('a relay that no longer admits a namespace takes none of its logins; admitted again, the same passwords', async () => {
  const { cluster } = world;
  await labelled('team', { mail: 'yes' });
  await create(cluster, kind('SmtpAccount', 'team', 'app', {}));
  const relayRef = { name: 'main', namespace: NAMESPACE };
  await create(cluster, kind('SmtpAccount', 'team', 'named', { relayRef }));
  for (const name of ['app', 'named']) await ready('team', name);
  const before = await Promise.all(['app-smtp', 'named-smtp'].map((name) => credentialsOf('team', name)));
  await labelled('team', {});
  for (const name of ['app-smtp', 'named-smtp']) await untilAnswered('team', name, 535);
  for (const name of ['app', 'named'])
    await until(cluster, 'SmtpAccount', 'team', name, (object) => !isReady(object));
  await labelled('team', { mail: 'yes' });
  for (const name of ['app', 'named']) await ready('team', name);
  for (const name of ['app-smtp', 'named-smtp']) await untilAnswered('team', name, 235);
  const after = await Promise.all(['app-smtp', 'named-smtp'].map((name) => credentialsOf('team', name)));
  expect(after).toEqual(before);
}, 120_000);

test('an account that is deleted together with its relay is made again together with it', async () => {
  const { cluster, sink } = world;
  await labelled('own', {});
  const delivery = { smarthost: { host: sink.address, port: sink.port, tls: 'None' } };
  for (const round of [1, 2]) {
    await apply(cluster, kind('SmtpRelay', 'own', 'brief', { delivery }));
    await create(cluster, kind('SmtpAccount', 'own', 'app', {}));
    await until(cluster, 'SmtpAccount', 'own', 'app', isReady, 90_000);
    if (round === 2) break;
    await remove(cluster, 'SmtpAccount', 'own', 'app');
    await remove(cluster, 'SmtpRelay', 'own', 'brief');
    await cluster.waitFor(
      'the Secret to go',
      async () => (await credentialsOf('own', 'app-smtp')) === undefined,
    );
  }
}, 300_000);

test('a changed default plan of the relay is told by its accounts at once', async () => {
  const { cluster } = world;
  await labelled('planned', { mail: 'yes' });
  await create(cluster, kind('SmtpAccount', 'planned', 'app', {}));
  await ready('planned', 'app');
  for (const plan of ['10k', '30k']) {
    const path = `/apis/migosmtp.com/v1alpha1/namespaces/${NAMESPACE}/smtprelays/main`;
    await cluster.api.call('PATCH', path, { spec: { defaultPlan: plan } }, { patch: 'merge' });
    await until(
      cluster,
      'SmtpAccount',
      'planned',
      'app',
      (object) => conditionOf(object, 'PlanAccepted')?.message.includes(`plan ${plan} `) === true,
      5_000,
    );
  }
}, 60_000);

test('a Secret that is to get a name which is taken keeps its password until it may move', async () => {
  const { cluster } = world;
  await labelled('moving', { mail: 'yes' });
  await create(cluster, kind('SmtpAccount', 'moving', 'app', {}));
  await ready('moving', 'app');
  const before = await credentialsOf('moving', 'app-smtp');
  await opaque('moving', 'taken', { note: 'of somebody else' });
  await apply(cluster, kind('SmtpAccount', 'moving', 'app', { secret: { name: 'taken' } }));
  const refused = await until(
    cluster,
    'SmtpAccount',
    'moving',
    'app',
    (object) => conditionOf(object)?.reason === 'SecretConflict',
  );
  expect(refused.status?.['binding']).toEqual({ name: 'app-smtp' });
  await remove(cluster, 'Secret', 'moving', 'taken');
  await ready('moving', 'app');
  const { username, password } = (await credentialsOf('moving', 'taken'))!;
  expect({ username, password }).toEqual({ username: before!.username, password: before!.password });
  await cluster.waitFor(
    'the former Secret to go',
    async () => (await credentialsOf('moving', 'app-smtp')) === undefined,
  );
}, 90_000);

test('a brought password that comes back within the overlap is no ended one that is still accepted', async () => {
  const { cluster } = world;
  await labelled('brought', { mail: 'yes' });
  const [first, second] = ['first-password', 'second-password'];
  await opaque('brought', 'source', { password: first });
  const spec = { passwordFrom: { name: 'source' }, rotation: { overlap: '6s' } };
  await create(cluster, kind('SmtpAccount', 'brought', 'app', spec));
  await ready('brought', 'app');
  const accounts = await Observer.start(cluster, SmtpAccounts, 'brought');
  const alarms: string[] = [];
  accounts.onChange(() => {
    const alarm = accounts
      .get('brought', 'app')
      ?.status?.conditions?.find(({ type }) => type === 'PreviousRetired');
    if (alarm !== undefined) alarms.push(alarm.message);
  });
  for (const [step, password] of [second, first].entries()) {
    await opaque('brought', 'source', { password });
    // A label makes the account be looked at, which would come later by itself.
    await apply(cluster, {
      ...kind('SmtpAccount', 'brought', 'app', spec),
      metadata: { namespace: 'brought', name: 'app', labels: { step: String(step) } },
    });
    await cluster.waitFor(
      'the password to be published',
      async () => (await credentialsOf('brought', 'app-smtp'))?.password === password,
      15_000,
    );
  }
  // Its former verifier ends before that of the second password.
  await cluster.waitFor(
    'the second password to be refused',
    async () => {
      const args = ['-n', 'brought', '-o', 'name', '--field-selector=reason=OldPasswordRefused'];
      return (await cluster.kubectl(['get', 'events', ...args])).trim() !== '';
    },
    40_000,
  );
  expect(alarms).toEqual([]);
  await untilAnswered('brought', 'app-smtp', 235);
  await accounts.stop();
}, 150_000);
