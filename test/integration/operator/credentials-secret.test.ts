/** The credentials Secret: its forms, and what becomes of it when people or backups touch it. */
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
  get,
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
let accounts: Observer<SmtpAccount>;
let secrets: Observer<Secret>;
let client: SmtpClient;

beforeAll(async () => {
  // Secrets cannot be watched by the operator: look often, so that tests need not wait.
  world = await install({ env: { SECRET_CHECK_SECONDS: '1' } });
  await relay(world);
  await namespace(world.cluster, TEAM);
  accounts = await Observer.start(world.cluster, SmtpAccounts, TEAM);
  secrets = await Observer.start(world.cluster, Secrets, TEAM);
  client = await startSmtpClient(world.cluster, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  client?.stop();
  await Promise.all([accounts?.stop(), secrets?.stop()]);
  await world?.stop();
});

const declare = (name: string, spec: object): Promise<Thing> =>
  apply(world.cluster, kind('SmtpAccount', TEAM, name, spec));
const until = (name: string, check: (object: Thing) => boolean, timeoutMs?: number): Promise<number> =>
  accounts.until(
    TEAM,
    name,
    (object) => object !== undefined && check(object as unknown as Thing),
    timeoutMs,
  );
/** Ready for this generation: the watch may still show the one before. */
async function made(name: string, spec: object): Promise<Credentials> {
  const { metadata } = await declare(name, spec);
  await until(name, (object) => isReady(object) && object.metadata.generation! >= metadata.generation!);
  return (await published(`${name}-smtp`))!;
}
const published = (name: string): Promise<Credentials | undefined> =>
  readCredentials(world.cluster, TEAM, name);
const login = async (credentials: Credentials, password?: string): Promise<number> =>
  (await client.attempt({ credentials, ...(password === undefined ? {} : { password }) })).code;
const secretPath = (name: string): string => `/api/v1/namespaces/${TEAM}/secrets/${name}`;
const patchSecret = (name: string, patch: object): Promise<unknown> =>
  world.cluster.api.call('PATCH', secretPath(name), patch, { patch: 'merge' });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const revision = (secret: Secret | undefined): string | undefined =>
  secret?.metadata.annotations?.['migosmtp.com/credentials-revision'];
const reason = (name: string, type = 'Ready'): string | undefined =>
  conditionOf(accounts.get(TEAM, name) as unknown as Thing, type)?.reason;

test('formats, templates, labels and the sender address are as the spec says', async () => {
  const env = await made('env', { secret: { format: 'Env', from: 'hello@example.com' } });
  expect(Object.keys(env).toSorted()).toEqual(
    [
      'SMTP_ENCRYPTION',
      'SMTP_FROM',
      'SMTP_HOST',
      'SMTP_PASSWORD',
      'SMTP_PORT',
      'SMTP_USERNAME',
      'ca.crt',
    ].toSorted(),
  );
  expect(env['SMTP_FROM']).toBe('hello@example.com');
  const binding = await made('binding', {
    allowedSenders: ['*@example.com', 'shop@example.com'],
    secret: {
      format: 'Binding',
      keys: { MAIL_URL: '{{uri}}', DSN: 'smtp://{{ host }}:{{port}}?from={{from}}' },
      labels: { team: 'shop' },
      annotations: { 'example.com/note': 'x' },
    },
  });
  expect(binding).toMatchObject({ from: 'shop@example.com', MAIL_URL: binding['uri'] });
  expect(binding['DSN']).toBe(`smtp://${binding['host']}:587?from=shop@example.com`);
  expect(binding).not.toHaveProperty('SMTP_HOST');
  const { metadata } = secrets.get(TEAM, 'binding-smtp')!;
  expect(metadata.labels).toMatchObject({ team: 'shop', 'migosmtp.com/type': 'credentials' });
  expect(metadata.labels).not.toHaveProperty('app.kubernetes.io/instance');
});

test('a changed format takes keys back, keeps those of others, and keeps the password', async () => {
  const before = await made('form', { secret: { format: 'Both', labels: { a: '1' } } });
  await patchSecret('form-smtp', { data: { mine: base64('kept') } });
  const after = await made('form', { secret: { format: 'Env', labels: { b: '2' } } });
  expect(after['SMTP_PASSWORD']).toBe(before['password']);
  expect(after).toMatchObject({ mine: 'kept' });
  expect(after).not.toHaveProperty('password');
  await secrets.until(TEAM, 'form-smtp', (secret) => secret?.metadata.labels?.['b'] === '2');
  expect(secrets.get(TEAM, 'form-smtp')!.metadata.labels).not.toHaveProperty('a');
});

test('an edited key is repaired without a new password', async () => {
  const before = await made('edited', {});
  await patchSecret('edited-smtp', { data: { host: base64('evil.example') } });
  await secrets.until(
    TEAM,
    'edited-smtp',
    (secret) => secret?.data?.['host'] === base64(before['host']!),
    5_000,
  );
  expect(await published('edited-smtp')).toMatchObject({ password: before['password'] });
  expect(revision(secrets.get(TEAM, 'edited-smtp'))).toBe('1');
});

test('an edited password is replaced by a new revision; what was published before works through the overlap', async () => {
  const before = await made('guessed', { rotation: { overlap: '1h' } });
  const data = { password: base64('x'.repeat(32)), SMTP_PASSWORD: base64('x'.repeat(32)) };
  await patchSecret('guessed-smtp', { data });
  await secrets.until(TEAM, 'guessed-smtp', (secret) => revision(secret) === '2', 5_000);
  const after = (await published('guessed-smtp'))!;
  expect([await login(after), await login(before), await login(after, 'x'.repeat(32))]).toEqual([
    235, 235, 535,
  ]);
});

test('a deleted Secret comes back with a new password; the old one works through the overlap', async () => {
  const before = await made('deleted', { rotation: { overlap: '1h' } });
  await world.cluster.api.call('DELETE', secretPath('deleted-smtp'));
  await secrets.until(TEAM, 'deleted-smtp', (secret) => secret === undefined);
  await secrets.until(TEAM, 'deleted-smtp', (secret) => secret !== undefined, 5_000);
  const after = (await published('deleted-smtp'))!;
  expect(after['username']).toBe(before['username']);
  expect(after['password']).not.toBe(before['password']);
  expect([await login(after), await login(before)]).toEqual([235, 235]);
});

test('a Secret of somebody else is refused and left as it is', async () => {
  const foreign = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: TEAM, name: 'taken' },
    data: { a: base64('b') },
  };
  await create(world.cluster, foreign);
  await declare('refused', { secret: { name: 'taken' } });
  await until('refused', (object) => conditionOf(object)?.reason === 'SecretConflict');
  expect(conditionOf(accounts.get(TEAM, 'refused') as unknown as Thing)?.status).toBe('False');
  expect(await published('taken')).toEqual({ a: 'b' });
  await declare('refused', { secret: { name: 'free' } });
  await until('refused', isReady);
  await declare('second', { secret: { name: 'free' } });
  await until('second', (object) => conditionOf(object)?.reason === 'SecretConflict');
});

test('a renamed Secret moves with its password', async () => {
  const before = await made('moved', {});
  await declare('moved', { secret: { name: 'elsewhere' } });
  await secrets.until(TEAM, 'moved-smtp', (secret) => secret === undefined);
  expect(await published('elsewhere')).toMatchObject({ password: before['password'] });
  await until('moved', isReady);
  expect(await login(before)).toBe(235);
});

test('a retained Secret outlives the account, and an account of that name takes it over', async () => {
  const before = await made('kept', { secret: { deletionPolicy: 'Retain' } });
  await remove(world.cluster, 'SmtpAccount', TEAM, 'kept');
  await accounts.until(TEAM, 'kept', (object) => object === undefined);
  await world.cluster.waitFor('the login to die', async () => (await login(before)) === 535);
  expect(await published('kept-smtp')).toEqual(before);
  const after = await made('kept', { secret: { deletionPolicy: 'Retain' } });
  expect(after).toMatchObject({ username: before['username'], password: before['password'] });
  expect(await login(after)).toBe(235);
});

test('Secrets restored from a backup keep their passwords when the relay starts from nothing', async () => {
  const before = await made('restored', {});
  const backup = await world.cluster.api.get<Secret>(secretPath('restored-smtp'));
  await remove(world.cluster, 'SmtpAccount', TEAM, 'restored');
  await secrets.until(TEAM, 'restored-smtp', (secret) => secret === undefined, 20_000);
  // As backup tools restore: another uid, another creation; owners as they were stripped.
  const {
    uid: _,
    resourceVersion: __,
    creationTimestamp: ___,
    ownerReferences: ____,
    ...metadata
  } = backup.metadata;
  await create(world.cluster, { ...backup, apiVersion: 'v1', kind: 'Secret', metadata });
  const after = await made('restored', {});
  expect(after).toMatchObject({ username: before['username'], password: before['password'] });
  expect(secrets.get(TEAM, 'restored-smtp')!.metadata.ownerReferences).toHaveLength(1);
  expect(await login(after)).toBe(235);
});

test('a suspended account is refused, keeps its Secret, and comes back with the same password', async () => {
  const credentials = await made('paused', {});
  await declare('paused', { suspended: true });
  await until('paused', (object) => conditionOf(object)?.reason === 'Suspended');
  expect(await login(credentials)).toBe(535);
  await declare('paused', { suspended: false });
  await until('paused', (object) => isReady(object));
  expect(await login(credentials)).toBe(235);
  expect(await published('paused-smtp')).toEqual(credentials);
});

test('a brought password is taken, and taken again when it changes', async () => {
  await declare('brought', { passwordFrom: { name: 'source' }, rotation: { overlap: '1h' } });
  await until('brought', (object) => conditionOf(object)?.reason === 'PasswordMissing');
  const source = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: TEAM, name: 'source' } };
  await create(world.cluster, { ...source, data: { password: base64('first password!') } });
  await until('brought', isReady, 15_000);
  const first = (await published('brought-smtp'))!;
  expect(first['password']).toBe('first password!');
  expect(first['uri']).toContain('first%20password!');
  expect(await login(first)).toBe(235);
  await patchSecret('source', { data: { password: base64('second password') } });
  await secrets.until(TEAM, 'brought-smtp', (secret) => revision(secret) === '2', 60_000);
  const second = (await published('brought-smtp'))!;
  expect([await login(second), await login(first)]).toEqual([235, 235]);
}, 90_000);

test('what an old API server let through is named in the words of the rule', async () => {
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/smtpaccounts`;
  const spec = { passwordFrom: { name: 'source' }, rotation: { interval: '1h' } };
  const answer = await world.cluster.api.send<{ message?: string }>(
    'POST',
    path,
    kind('SmtpAccount', TEAM, 'wrong', spec),
  );
  const words = 'rotation.interval cannot be used with passwordFrom';
  if (answer.status >= 400) {
    expect(answer.body.message).toContain(words);
    return;
  }
  await until('wrong', (object) => conditionOf(object)?.status === 'False');
  expect(reason('wrong')).toBe('InvalidSpec');
  expect(conditionOf(accounts.get(TEAM, 'wrong') as unknown as Thing)?.message).toContain(words);
});

test('rotation restarts the workloads that are named', async () => {
  const labels = { app: 'web' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'web', image: 'none.example/web' }] },
  };
  const web = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: TEAM, name: 'web' } };
  await made('restarting', { rolloutTargets: [{ kind: 'Deployment', name: 'web' }] });
  await apply(world.cluster, { ...web, spec: { replicas: 0, selector: { matchLabels: labels }, template } });
  await declare('restarting', {
    rolloutTargets: [{ kind: 'Deployment', name: 'web' }],
    rotation: { revision: 1 },
  });
  await world.cluster.waitFor('the restart', async () => {
    const path = `/apis/apps/v1/namespaces/${TEAM}/deployments/web`;
    const { spec } = await world.cluster.api.get<{
      spec: { template: { metadata: { annotations?: object } } };
    }>(path);
    return JSON.stringify(spec.template.metadata.annotations ?? {}).includes(
      '"migosmtp.com/credentials-revision":"2"',
    );
  });
  // Nothing runs in it, so it is rolled out at once: then the overlap of the old password begins.
  const done = await until(
    'restarting',
    (object) => conditionOf(object, 'RolloutsComplete')?.status === 'True',
  );
  expect(done).toBeDefined();
  await world.cluster.waitFor('the record to go', async () => {
    const { metadata } = await get(world.cluster, 'Secret', TEAM, 'restarting-smtp');
    return metadata.annotations?.['migosmtp.com/rollout'] === undefined;
  });
  // As Flux applies it again and again: our annotation is nobody's difference.
  const before = await world.cluster.api.get<Thing>(`/apis/apps/v1/namespaces/${TEAM}/deployments/web`);
  await apply(world.cluster, { ...web, spec: { replicas: 0, selector: { matchLabels: labels }, template } });
  const after = await world.cluster.api.get<Thing>(`/apis/apps/v1/namespaces/${TEAM}/deployments/web`);
  expect(after.metadata.generation).toBe(before.metadata.generation);
});

test('a workload that is not there is named, and the old password goes on past its overlap', async () => {
  const targets = { rolloutTargets: [{ kind: 'StatefulSet', name: 'absent' }] };
  const old = await made('waiting', { ...targets, rotation: { overlap: '1s' } });
  await declare('waiting', { ...targets, rotation: { revision: 1, overlap: '1s' } });
  await until(
    'waiting',
    (object) => conditionOf(object, 'RolloutsComplete')?.reason === 'RolloutTargetMissing',
  );
  const condition = conditionOf(accounts.get(TEAM, 'waiting') as unknown as Thing, 'RolloutsComplete');
  expect(condition?.message).toContain('StatefulSet absent');
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(await login(old)).toBe(235);
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/smtpaccounts/waiting`;
  // By merge patch: server-side apply of 1.20 leaves null where the last item of such a list is taken away.
  await world.cluster.api.call('PATCH', path, { spec: { rolloutTargets: null } }, { patch: 'merge' });
  await world.cluster.waitFor('the old password to end', async () => (await login(old)) === 535);
});
