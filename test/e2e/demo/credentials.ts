/** The life of a password: published, rotated with an overlap, reset, deleted; each timed. */
import type { SmtpAccount } from '@migosmtp/operator/api';
import { readCredentials, type Credentials } from '../../support/smtp-client.ts';
import { applyApp, type App } from './app.ts';
import { firstMatch, repeatUntil, type ObjectPath } from './timing.ts';
import { WORKSPACE, type World } from './world.ts';

interface SecretObject {
  data?: Record<string, string>;
}

function accountPath(name: string): ObjectPath {
  return { collection: `/apis/migosmtp.com/v1alpha1/namespaces/${WORKSPACE}/smtpaccounts`, name };
}

function secretPath(name: string): ObjectPath {
  return { collection: `/api/v1/namespaces/${WORKSPACE}/secrets`, name };
}

export function isReady(account: SmtpAccount): boolean {
  const ready = account.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === account.metadata.generation;
}

export async function credentialsOf(world: World, account: string): Promise<Credentials> {
  const credentials = await readCredentials(world.cluster, WORKSPACE, `${account}-smtp`);
  if (!credentials) throw new Error(`the Secret ${account}-smtp is not there`);
  return credentials;
}

/** One more account by kubectl: how long to Ready, and after its deletion how long the login lives. */
export async function kubectlAccount(world: World): Promise<void> {
  const { steps, cluster, smtp } = world;
  await steps.run('one more account by kubectl, then its deletion', async (note) => {
    const ready = firstMatch<SmtpAccount>(cluster, accountPath('newsletter'), isReady);
    const appliedAt = Date.now();
    await cluster.kubectl(['apply', '-f', '-'], accountYaml('newsletter'));
    note(steps.figure('kubectl apply to Ready', (await ready).at - appliedAt, 2));
    const credentials = await credentialsOf(world, 'newsletter');
    const reply = await smtp.attempt({ credentials });
    expectCode(reply, 235, 'the login of the new account');
    note(`login on 587: ${reply.code} ${reply.text}`);
    const deletedAt = Date.now();
    await cluster.kubectl(['delete', 'smtpaccount', 'newsletter', '--namespace', WORKSPACE, '--wait=false']);
    const dead = await repeatUntil(
      'the login after deletion',
      () => smtp.attempt({ credentials }),
      (answer) => answer.code === 535,
    );
    note(steps.figure('kubectl delete to 535', dead.at - deletedAt, 2));
  });
}

/** Rotation by one number in the app's code. */
export async function rotate(world: World, app: App): Promise<void> {
  const { steps, smtp } = world;
  await steps.run('rotation: the pipeline raises one number in the app and applies', async (note) => {
    const old = await credentialsOf(world, app.account);
    const revision = app.raise('revision');
    const changed = specChange(world, app, (account) => account.spec.rotation?.revision === revision);
    const published = newPassword(world, app, old);
    const applied = applyApp(world, app, note);
    const [from, secret] = await Promise.all([changed, published]);
    const fresh = await credentialsOf(world, app.account);
    const login = await smtp.attempt({ credentials: fresh });
    expectCode(login, 235, 'the new password');
    note(steps.figure('raised revision to published', secret.at - from.at, 2));
    note(steps.figure('raised revision to accepted', login.at * 1000 - from.at, 2));
    expectCode(await smtp.attempt({ credentials: old }), 235, 'the old password during the overlap');
    note('during the overlap both passwords log in: 235 and 235');
    await applied;
    await overlapEnds(world, app, note);
    const late = await smtp.attempt({ credentials: old });
    expectCode(late, 535, 'the old password after the overlap');
    expectCode(await smtp.attempt({ credentials: fresh }), 235, 'the new password after the overlap');
    note(`after it the old one gets ${late.code} ${late.text}`);
  });
}

/** Reset by one number in the app's code: nothing old survives. */
export async function reset(world: World, app: App): Promise<void> {
  const { steps, smtp } = world;
  await steps.run('reset: the password has leaked, so another number is raised', async (note) => {
    const old = await credentialsOf(world, app.account);
    const revision = app.raise('resetRevision');
    const changed = specChange(world, app, (account) => account.spec.rotation?.resetRevision === revision);
    const published = newPassword(world, app, old);
    const applied = applyApp(world, app, note);
    const from = await changed;
    const dead = await repeatUntil(
      'the old password',
      () => smtp.attempt({ credentials: old }),
      (answer) => answer.code === 535,
    );
    note(steps.figure('raised resetRevision to 535', dead.answer.at * 1000 - from.at, 1));
    await published;
    expectCode(
      await smtp.attempt({ credentials: await credentialsOf(world, app.account) }),
      235,
      'the new password',
    );
    note('the new password logs in: 235');
    await applied;
  });
}

function specChange(world: World, app: App, matches: (account: SmtpAccount) => boolean) {
  return firstMatch<SmtpAccount>(world.cluster, accountPath(app.account), matches);
}

function newPassword(world: World, app: App, old: Credentials) {
  const encoded = Buffer.from(old['password'] ?? '').toString('base64');
  return firstMatch<SecretObject>(
    world.cluster,
    secretPath(`${app.account}-smtp`),
    (secret) => secret.data?.['password'] !== undefined && secret.data['password'] !== encoded,
  );
}

/** Status lists no previous password any more; the login itself is not tried before, since that would be a use of it. */
async function overlapEnds(world: World, app: App, note: (line: string) => void): Promise<void> {
  const path = accountPath(app.account);
  const ended = await firstMatch<SmtpAccount>(
    world.cluster,
    path,
    (account) => (account.status?.credentials?.previous ?? []).length === 0,
  );
  note(`the overlap has ended at ${new Date(ended.at).toISOString()}`);
}

function expectCode(reply: { code: number; text: string }, code: number, what: string): void {
  if (reply.code !== code)
    throw new Error(`${what} was answered ${reply.code} ${reply.text}, expected ${code}`);
}

export function accountYaml(name: string): string {
  return `apiVersion: migosmtp.com/v1alpha1
kind: SmtpAccount
metadata: { name: ${name}, namespace: ${WORKSPACE} }
spec: {}
`;
}
