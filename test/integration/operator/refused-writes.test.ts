/**
 * The API server refuses for good what the operator writes (a full quota, a missing right): status says so in the
 * server's words, nothing else waits behind it, and what was declared is done once the reason is gone.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  apply,
  conditionOf,
  create,
  get,
  install,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  remove,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

const ROLE = '/apis/rbac.authorization.k8s.io/v1/clusterroles/migosmtp-operator-watched';
/** More than the relays that are worked on at a time. */
const TIGHT = Array.from({ length: 10 }, (_, index) => `tight-${index}`);
let world: Installation;

beforeAll(async () => {
  world = await install();
}, 1_200_000);
afterAll(() => world?.stop());

const cluster = () => world.cluster;
const relayIn = (home: string): Thing => {
  const delivery = { smarthost: { host: world.sink.address, port: world.sink.port, tls: 'None' } };
  return kind('SmtpRelay', home, 'own', { delivery });
};

/** Room for some Secrets, not for those of a relay. */
async function quota(home: string, secrets: number): Promise<void> {
  const spec = { hard: { secrets: String(secrets) } };
  const metadata = { namespace: home, name: 'few-secrets' };
  await apply(cluster(), { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec });
  await cluster().waitFor('the quota to count', async () => {
    const { status } = await get(cluster(), 'ResourceQuota', home, 'few-secrets');
    return (status as { hard?: Record<string, string> } | undefined)?.hard?.['secrets'] === String(secrets);
  });
}

test('relays without room for their Secrets say so, and hold up no other relay', async () => {
  for (const home of TIGHT) {
    await namespace(cluster(), home);
    await quota(home, 12);
    await apply(cluster(), relayIn(home));
  }
  for (const home of TIGHT) {
    const found = await until(
      cluster(),
      'SmtpRelay',
      home,
      'own',
      (object) => conditionOf(object)?.reason === 'ApiError',
      30_000,
    );
    expect(conditionOf(found)).toMatchObject({
      status: 'Unknown',
      message: expect.stringContaining('exceeded quota: few-secrets') as unknown,
    });
  }
  await relay(world);
}, 120_000);

test('with room they become Ready, and serve accounts', async () => {
  const [home = ''] = TIGHT;
  await quota(home, 100);
  await until(cluster(), 'SmtpRelay', home, 'own', isReady, 90_000);
  await create(cluster(), kind('SmtpAccount', home, 'app', {}));
  await until(cluster(), 'SmtpAccount', home, 'app', isReady, 30_000);
}, 150_000);

test('an account whose shard may not be written says which right is missing; nothing is left of one that goes meanwhile', async () => {
  await namespace(cluster(), 'team');
  const role = await cluster().api.get<Thing & { rules: { resources: string[]; verbs: string[] }[] }>(ROLE);
  const without = role.rules.map((rule) =>
    rule.resources.includes('secrets')
      ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'update') }
      : rule,
  );
  const setRules = (rules: object[]): Promise<unknown> =>
    cluster().api.call('PATCH', ROLE, { rules }, { patch: 'merge' });
  await setRules(without);
  for (const name of ['stays', 'goes']) await create(cluster(), kind('SmtpAccount', 'team', name, {}));
  for (const name of ['stays', 'goes']) {
    const said = await until(
      cluster(),
      'SmtpAccount',
      'team',
      name,
      (object) => conditionOf(object)?.reason === 'ApiError',
      30_000,
    );
    expect(conditionOf(said)?.message).toMatch(/cannot update resource "secrets"/);
  }
  await remove(cluster(), 'SmtpAccount', 'team', 'goes');
  await setRules(role.rules);
  await until(cluster(), 'SmtpAccount', 'team', 'stays', isReady, 120_000);
  const names = async (): Promise<string[]> =>
    (await projected<{ name: string }>(cluster(), 'accounts')).map(({ name }) => name);
  // One that was on its way in the moment in which the rights came back is taken back with the next look.
  await cluster().waitFor('nothing to be left', async () => !(await names()).includes('goes'));
  expect(await names()).toContain('stays');
}, 240_000);
