/** The reports API in the cluster: every replica answers, and the API server decides who may ask. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { ZoneRecord } from '../../support/dns-server.ts';
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
} from './support/installation.ts';

let world: Installation;
let authority: string;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  world = await install({ replicas: 2 });
  const { cluster } = world;
  await relay(world);
  for (const name of ['shop', 'other']) {
    await namespace(cluster, name);
    await apply(cluster, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: name, name: 'person' },
    });
    await apply(cluster, bindingIn(name));
    tokens[name] = await tokenOf(name);
  }
  await apply(cluster, kind('VerifiedDomain', 'shop', 'domain', { domain: 'example.com' }));
  await apply(cluster, kind('SmtpAccount', 'shop', 'app', {}));
  const records = ({ status }: Thing): ZoneRecord[] =>
    Object.values((status?.['dnsRecords'] ?? {}) as Record<string, ZoneRecord>);
  const domain = await until(
    cluster,
    'VerifiedDomain',
    'shop',
    'domain',
    (object) => records(object).length === 4,
  );
  await world.dns.publish(records(domain));
  for (const name of ['one', 'two', 'three']) {
    await create(
      cluster,
      kind('TestMessage', 'shop', name, { accountRef: { name: 'app' }, to: `${name}@elsewhere.example` }),
    );
  }
  for (const name of ['one', 'two', 'three'])
    await until(cluster, 'TestMessage', 'shop', name, isReady, 60_000);
  authority = join(mkdtempSync(join(tmpdir(), 'migosmtp-reports-')), 'ca.crt');
  const bundle = await cluster.waitFor('the authority', async () => {
    const map = (
      await cluster.api.get<Thing>(`/api/v1/namespaces/${NAMESPACE}/configmaps/migosmtp-reports-ca`)
    ).data;
    return map?.['ca.crt'];
  });
  writeFileSync(authority, bundle);
}, 1_200_000);
afterAll(() => world.stop());

/** The people's role of the installation, given to the namespace's ServiceAccount. */
function bindingIn(name: string): Thing {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: name, name: 'person' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'migosmtp-edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'person', namespace: name }],
  } as Thing;
}

async function tokenOf(name: string): Promise<string> {
  const path = `/api/v1/namespaces/${name}/serviceaccounts/person/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await world.cluster.api.call<{ status: { token: string } }>('POST', path, body);
  return answer!.status.token;
}

interface Answer {
  status: number;
  body: Record<string, unknown> & {
    error?: { code: string; message: string };
    items?: Record<string, unknown>[];
  };
}

const script = `
import { request } from 'node:https';
import { readFileSync } from 'node:fs';
const [file, host, address, port, path, token] = process.argv.slice(1);
const headers = { host, ...(token ? { authorization: 'Bearer ' + token } : {}) };
request({ ca: readFileSync(file), host: address, servername: host, port, path, headers }, async (answer) => {
  let text = '';
  for await (const chunk of answer) text += chunk;
  process.stdout.write(JSON.stringify({ status: answer.statusCode, body: JSON.parse(text) }));
}).on('error', (error) => { process.stderr.write(String(error)); process.exitCode = 1; }).end();`;

/** As a tool in the cluster would, verifying the certificate; on the Service, or on one replica. */
async function ask(path: string, token: string | undefined, replica?: string): Promise<Answer> {
  const host = `migosmtp-reports.${NAMESPACE}.svc`;
  const place = replica === undefined ? [host, '443'] : [replica, '8443'];
  const argv = [
    process.execPath,
    '--input-type=module',
    '-e',
    script,
    authority,
    host,
    ...place,
    path,
    token ?? '',
  ];
  const result = await world.cluster.exec(argv);
  if (result.code !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout) as Answer;
}

test('usage of a namespace: what was sent, by whom', async () => {
  const { status, body } = await ask('/v1/namespaces/shop/usage', tokens['shop']);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    accounts: [{ namespace: 'shop', name: 'app', month: { used: 3 }, day: { used: 3 } }],
  });
  expect(JSON.stringify(body)).not.toContain('verifier');
});

test('reports of a namespace and of an account, page by page and filtered', async () => {
  const all = await ask('/v1/namespaces/shop/reports', tokens['shop']);
  expect(all.body.items).toHaveLength(3);
  expect(all.body.items?.[0]).toMatchObject({ account: 'app', status: 'delivered' });
  const first = await ask('/v1/namespaces/shop/accounts/app/reports?limit=2', tokens['shop']);
  expect(first.body.items).toHaveLength(2);
  const rest = await ask(
    `/v1/namespaces/shop/accounts/app/reports?limit=2&cursor=${String(first.body['next'])}`,
    tokens['shop'],
  );
  expect(rest.body.items).toHaveLength(1);
  expect(rest.body['next']).toBeNull();
  const { status } = await get(world.cluster, 'TestMessage', 'shop', 'two');
  const one = await ask(
    `/v1/namespaces/shop/reports?messageId=${encodeURIComponent(String(status?.['messageId']))}`,
    tokens['shop'],
  );
  expect(one.body.items).toMatchObject([{ recipient: 'two@elsewhere.example' }]);
  expect((await ask('/v1/namespaces/shop/accounts/none/reports', tokens['shop'])).body.items).toEqual([]);
});

test('every replica answers', async () => {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/name=migosmtp-operator`;
  const { items } = await world.cluster.api.get<{ items: (Thing & { status: { podIP: string } })[] }>(path);
  expect(items).toHaveLength(2);
  for (const { status } of items) {
    const answer = await ask('/v1/namespaces/shop/reports', tokens['shop'], status.podIP);
    expect(answer.body.items).toHaveLength(3);
  }
});

describe('who may not', () => {
  test.each<[string, string, string | undefined, number, string]>([
    ['without a token', '/v1/namespaces/shop/usage', undefined, 401, 'Unauthorized'],
    ['with a token that is none', '/v1/namespaces/shop/usage', 'nonsense', 401, 'Unauthorized'],
    ['of another namespace', '/v1/namespaces/shop/usage', 'other', 403, 'Forbidden'],
    [
      'of another namespace, for reports',
      '/v1/namespaces/shop/accounts/app/reports',
      'other',
      403,
      'Forbidden',
    ],
    ['in a namespace that does not exist', '/v1/namespaces/nowhere/usage', 'shop', 403, 'Forbidden'],
  ])('%s is told why', async (_title, path, who, status, code) => {
    const answer = await ask(path, who === undefined ? undefined : (tokens[who] ?? who));
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
    expect(answer.body.error?.message).not.toContain(tokens['other']);
  });
});

test('a namespace without mail has none', async () => {
  const { body } = await ask('/v1/namespaces/other/usage', tokens['other']);
  expect(body).toMatchObject({ workspace: null, accounts: [] });
});
