/** An account that names another relay takes its user name and password along, as docs/tasks.md says. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import {
  readCredentials,
  startSmtpClient,
  type Credentials,
  type SmtpClient,
} from '../../support/smtp-client.ts';
import {
  apply,
  conditionOf,
  install,
  isReady,
  kind,
  namespace,
  relay,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

const TEAM = 'team';
let world: Installation;
let client: SmtpClient;

beforeAll(async () => {
  world = await install();
  await relay(world, 'first');
  await relay(world, 'second');
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
});

async function declare(home: string, name: string, relayName: string): Promise<void> {
  const spec = { relayRef: { name: relayName, namespace: NAMESPACE } };
  await apply(world.cluster, kind('SmtpAccount', home, name, spec));
}
const servedBy =
  (relayName: string) =>
  (account: Thing): boolean =>
    isReady(account) && (account.status as { relayRef?: { name: string } }).relayRef?.name === relayName;
const credentialsOf = async (home: string, name: string): Promise<Credentials> =>
  (await readCredentials(world.cluster, home, `${name}-smtp`))!;
const login = async (credentials: Credentials): Promise<number> =>
  (await client.attempt({ credentials })).code;

test('the same login on the new relay, none on the old one', async () => {
  const { cluster } = world;
  await namespace(cluster, TEAM);
  await declare(TEAM, 'app', 'first');
  await until(cluster, 'SmtpAccount', TEAM, 'app', servedBy('first'));
  const before = await credentialsOf(TEAM, 'app');
  expect(await login(before)).toBe(235);
  await declare(TEAM, 'app', 'second');
  await until(cluster, 'SmtpAccount', TEAM, 'app', servedBy('second'));
  const after = await credentialsOf(TEAM, 'app');
  const { username, password } = before;
  expect(after).toMatchObject({ username, password });
  expect(after['host']).not.toBe(before['host']);
  expect(await login(after)).toBe(235);
  await cluster.waitFor('the old relay to refuse it', async () => (await login(before)) === 535);
}, 120_000);

test('under a plan those that do not follow the oldest account are suspended until they do', async () => {
  const { cluster } = world;
  const home = 'planned';
  await namespace(cluster, home);
  await apply(cluster, kind('PlanLimit', home, 'plan', { plan: '10k' }));
  await until(cluster, 'PlanLimit', home, 'plan', isReady, 90_000);
  await declare(home, 'a-oldest', 'first');
  await until(cluster, 'SmtpAccount', home, 'a-oldest', servedBy('first'));
  await declare(home, 'b-younger', 'first');
  await until(cluster, 'SmtpAccount', home, 'b-younger', servedBy('first'));
  const before = await credentialsOf(home, 'b-younger');
  await declare(home, 'b-younger', 'second');
  await until(
    cluster,
    'SmtpAccount',
    home,
    'b-younger',
    (one) => conditionOf(one)?.reason === 'PlanUsesOtherRelay',
  );
  await declare(home, 'a-oldest', 'second');
  await until(cluster, 'SmtpAccount', home, 'a-oldest', servedBy('second'));
  await until(cluster, 'SmtpAccount', home, 'b-younger', servedBy('second'));
  const after = await credentialsOf(home, 'b-younger');
  expect(after).toMatchObject({ username: before['username'], password: before['password'] });
  expect(await login(after)).toBe(235);
}, 200_000);
