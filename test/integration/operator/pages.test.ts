/** The commands of README.md, docs/install.md and docs/tasks.md, from the installation to its end, as they stand. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KINDS } from '../../../operator/api/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { isBefore } from '../../cluster/control-plane.ts';
import { ROOT } from '../../docs/pages.ts';
import { commandsOf, runCommands } from '../../docs/shell.ts';
import { create, get, isReady, namespace, until } from './support/installation.ts';

const folder = mkdtempSync(join(tmpdir(), 'migosmtp-pages-'));
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  // As a cluster is that has never seen us.
  await cluster.kubectl(['delete', 'crd', '--all']);
}, 1_200_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the comments beside the commands say of old releases is done here. */
function adapted(commands: readonly string[]): string[] {
  const version = cluster.record.version.replace(/^v/, '');
  return commands.map((block) => {
    const valid = isBefore(version, 1, 25)
      ? block.replaceAll('kubectl apply', 'kubectl apply --validate=false')
      : block;
    return isBefore(version, 1, 21) ? valid.replaceAll(/^.*disruption-budget\.yaml.*\n/gm, '') : valid;
  });
}
const run = (path: string, section: string, cwd = ROOT): Promise<string> =>
  runCommands({ cluster, cwd }, adapted(commandsOf(path, section)));

test('README: in five minutes there is an account that is Ready, and its Secret', async () => {
  const said = await run('README.md', 'Five minutes on an existing cluster');
  expect(said).toMatch(/smtpaccount\.migosmtp\.com\/checkout condition met/);
  expect(said).toMatch(/smtpaccount\.migosmtp\.com\/checkout +True +Ready +smtpuser_/);
}, 300_000);

test('tasks: the records to publish are listed', async () => {
  await until(
    cluster,
    'VerifiedDomain',
    'shop',
    'shop-example',
    ({ status }) => status?.['dnsRecords'] !== undefined,
  );
  const lines = (await run('docs/tasks.md', 'Publish DNS records')).split('\n');
  expect(lines.find((line) => line.startsWith('ownership\t'))).toMatch(/\tTXT\t_migosmtp\.shop\.example\t/);
}, 60_000);

test('tasks: a client certificate by hand, which the relay takes', async () => {
  const [certificate] = commandsOf('docs/tasks.md', 'Ask a relay itself');
  await runCommands({ cluster, cwd: folder }, [certificate!]);
  const { items } = await cluster.api.get<{ items: { status: { podIP: string } }[] }>(
    '/api/v1/namespaces/shop/pods?labelSelector=migosmtp.com/relay=relay',
  );
  const file = (name: string): string => join(folder, name);
  const ask = ['curl', '--silent', '--show-error', '--connect-to', `::${items[0]!.status.podIP}:8443`];
  const login = [
    '--cacert',
    file('admin-ca-tls.crt'),
    '--cert',
    file('admin.crt'),
    '--key',
    file('admin.key'),
  ];
  const url = 'https://relay-admin.migosmtp.internal/v1/queue';
  const answered = await cluster.exec([...ask, ...login, url], { packages: ['curl'] });
  expect([answered.code, answered.stdout]).toEqual([0, expect.stringContaining('"items":[]')]);
  const refused = await cluster.exec([...ask, ...login.slice(0, 2), url], { packages: ['curl'] });
  expect(refused.code).not.toBe(0);
}, 60_000);

test('gitops: the health check stands in the ConfigMap of Argo CD for every kind', async () => {
  await namespace(cluster, 'argocd');
  const metadata = { namespace: 'argocd', name: 'argocd-cm' };
  await create(cluster, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { url: 'https://argocd.example.com' },
  });
  // The script is named from the repository's root; what is written goes elsewhere.
  const [commands] = commandsOf('docs/gitops/README.md', 'Argo CD');
  await runCommands({ cluster, cwd: folder }, [commands!.replace('docs/gitops', `${ROOT}/docs/gitops`)]);
  const { data = {} } = await get(cluster, 'ConfigMap', 'argocd', 'argocd-cm');
  const keys = KINDS.map(({ kind }) => `resource.customizations.health.migosmtp.com_${kind}`);
  expect(Object.keys(data).toSorted()).toEqual([...keys, 'url'].toSorted());
  expect(data[keys[0]!]).toBe(readFileSync(join(ROOT, 'docs/gitops/argocd-health.lua'), 'utf8'));
}, 60_000);

test('tasks: a pipeline that rotates waits for what it asked for', async () => {
  const before = await get(cluster, 'Secret', 'shop', 'checkout-smtp');
  const patch = JSON.stringify({ spec: { rotation: { revision: 2 } } });
  await cluster.kubectl(['-n', 'shop', 'patch', 'smtpaccount', 'checkout', '--type', 'merge', '-p', patch]);
  expect(await run('docs/tasks.md', 'Rotate a password in a pipeline')).toMatch(/condition met\n2$/);
  expect((await get(cluster, 'Secret', 'shop', 'checkout-smtp')).data).not.toEqual(before.data);
  await cluster.waitFor('what kubectl describe says of it', async () =>
    /NewPassword .*revision 2, is in Secret checkout-smtp/.test(
      await cluster.kubectl(['-n', 'shop', 'describe', 'smtpaccount', 'checkout']),
    ),
  );
}, 60_000);

test('install: the upgrade to the same release changes nothing', async () => {
  const before = await get(cluster, 'Secret', 'shop', 'checkout-smtp');
  await run('docs/install.md', 'Upgrade');
  expect(isReady(await get(cluster, 'SmtpAccount', 'shop', 'checkout'))).toBe(true);
  expect((await get(cluster, 'Secret', 'shop', 'checkout-smtp')).data).toEqual(before.data);
}, 300_000);

test('install: after the uninstallation nothing of it is left', async () => {
  const [resources, rest] = adapted(commandsOf('docs/install.md', 'Uninstall'));
  const left = await runCommands({ cluster, cwd: ROOT }, [resources!]);
  expect(left).toMatch(/migosmtp-reports-ca/);
  await runCommands({ cluster, cwd: ROOT }, [rest!]);
  for (const kind of ['crd', 'clusterroles', 'clusterrolebindings', 'namespaces']) {
    expect([kind, await cluster.kubectl(['get', kind, '-o', 'name'])]).toEqual([
      kind,
      expect.not.stringContaining('migosmtp'),
    ]);
  }
  const made = ['-l', 'app.kubernetes.io/managed-by=migosmtp-operator', '-o', 'name'];
  const kinds = 'secrets,persistentvolumeclaims,services,configmaps,deployments,resourcequotas';
  const home = ['--namespace', 'shop'];
  await cluster.waitFor(
    'an empty workspace',
    async () => (await cluster.kubectl(['get', kinds, ...home, ...made])) === '',
  );
}, 300_000);
