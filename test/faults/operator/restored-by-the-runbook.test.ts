/** docs/runbooks/backup-and-restore.md as it stands: its commands bring a lost cluster's logins back into an empty one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { commandsOf, runCommands } from '../../docs/shell.ts';
import {
  conditionOf,
  create,
  install,
  isReady,
  kind,
  namespace,
  relay,
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

const TEAM = 'shop';
const ACCOUNTS = ['checkout', 'brought'];
const RUNBOOK = 'docs/runbooks/backup-and-restore.md';
const folder = mkdtempSync(join(tmpdir(), 'migosmtp-backup-'));
const before = new Map<string, Credentials>();
let domainBefore: Thing;
let world: Installation | undefined;
let client: SmtpClient | undefined;

const run = (cluster: Cluster, section: string): Promise<string> =>
  runCommands({ cluster, cwd: folder }, commandsOf(RUNBOOK, section));

const credentialsOf = async (cluster: Cluster, name: string): Promise<Credentials> =>
  (await readCredentials(cluster, TEAM, `${name}-smtp`))!;
const domain = (cluster: Cluster): Promise<Thing> =>
  until(cluster, 'VerifiedDomain', TEAM, 'example', (object) => object.status?.['dnsRecords'] !== undefined);

beforeAll(async () => {
  world = await install();
  const { cluster } = world;
  await relay(world);
  await namespace(cluster, TEAM, { tier: 'web' });
  const data = { password: Buffer.from('correct horse battery').toString('base64') };
  const chosen = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: TEAM, name: 'chosen' }, data };
  await create(cluster, chosen);
  await create(cluster, kind('PlanLimit', TEAM, 'plan', { plan: '10k' }));
  await until(cluster, 'PlanLimit', TEAM, 'plan', isReady, 90_000);
  await create(cluster, kind('VerifiedDomain', TEAM, 'example', { domain: 'example.com' }));
  await create(cluster, kind('SmtpAccount', TEAM, 'checkout', {}));
  await create(cluster, kind('SmtpAccount', TEAM, 'brought', { passwordFrom: { name: 'chosen' } }));
  for (const name of ACCOUNTS) {
    await until(cluster, 'SmtpAccount', TEAM, name, isReady, 90_000);
    before.set(name, await credentialsOf(cluster, name));
  }
  domainBefore = await domain(cluster);
  await run(cluster, 'Back up');
  await world.stop();
  world = await install();
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await world?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('what was backed up says nothing of the cluster that it came from', () => {
  const { items } = JSON.parse(readFileSync(join(folder, 'backup/secrets.json'), 'utf8')) as {
    items: Thing[];
  };
  const names = items.map(({ metadata }) => metadata.name);
  expect(names).toEqual(
    expect.arrayContaining(['checkout-smtp', 'brought-smtp', 'chosen', 'main-ca', 'main-config-0']),
  );
  for (const { metadata } of items) {
    expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['ownerReferences']));
    expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['uid']));
  }
});

test('the same logins, authority, keys and plan are there after it', async () => {
  const { cluster } = world!;
  await run(cluster, 'Restore');
  client = await startSmtpClient(cluster, NAMESPACE);
  for (const name of ACCOUNTS) {
    const credentials = await credentialsOf(cluster, name);
    expect(credentials).toEqual(before.get(name));
    expect((await client.attempt({ credentials })).code).toBe(235);
  }
  expect((await domain(cluster)).status).toMatchObject({
    dnsRecords: { dkim: { value: dkimOf(domainBefore) } },
  });
  await until(cluster, 'PlanLimit', TEAM, 'plan', isReady, 90_000);
  const home = await cluster.api.get<Thing>(`/api/v1/namespaces/${TEAM}`);
  expect(home.metadata.labels).toMatchObject({ tier: 'web' });
}, 600_000);

const dkimOf = ({ status }: Thing): string =>
  (status as { dnsRecords: { dkim: { value: string } } }).dnsRecords.dkim.value;

test('the check prints the same lines for cluster and backup', async () => {
  const lines = (await run(world!.cluster, 'Check'))
    .split('\n')
    .filter((line) => line.includes('\tsmtpuser_'));
  expect(lines).toHaveLength(2 * ACCOUNTS.length);
  expect(lines.slice(0, ACCOUNTS.length)).toEqual(lines.slice(ACCOUNTS.length));
}, 60_000);

test('a Secret that came too late gives its password back to an account that is made again', async () => {
  const { cluster } = world!;
  await cluster.kubectl(['-n', TEAM, 'delete', 'smtpaccount', 'checkout']);
  await cluster.waitFor(
    'its Secret to go',
    async () => (await readCredentials(cluster, TEAM, 'checkout-smtp')) === undefined,
    60_000,
  );
  await create(cluster, kind('SmtpAccount', TEAM, 'checkout', {}));
  await until(cluster, 'SmtpAccount', TEAM, 'checkout', isReady, 90_000);
  expect(await credentialsOf(cluster, 'checkout')).not.toEqual(before.get('checkout'));
  await run(cluster, 'A credentials Secret came too late');
  const restored = await until(cluster, 'SmtpAccount', TEAM, 'checkout', isReady, 90_000);
  expect(conditionOf(restored)?.reason).toBe('Ready');
  const credentials = await credentialsOf(cluster, 'checkout');
  expect(credentials).toEqual(before.get('checkout'));
  expect((await client!.attempt({ credentials })).code).toBe(235);
}, 200_000);
