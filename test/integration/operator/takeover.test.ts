/** Two replicas, one writer: handover on SIGTERM, takeover after a crash or a pause, restart without a write. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEFAULTS, disruptionBudget, NAMESPACE } from '../../../operator/install/index.ts';
import { Leases, SmtpAccounts, type Lease } from '../../../operator/kube/index.ts';
import type { SmtpAccount } from '../../../operator/api/index.ts';
import {
  apply,
  create,
  install,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  type Installation,
  type Thing,
} from './support/installation.ts';
import { Observer } from './support/observer.ts';

const TEAM = 'team';
const ACCOUNTS = 20;
let world: Installation;
let accounts: Observer<SmtpAccount>;
let leases: Observer<Lease>;

beforeAll(async () => {
  world = await install({ replicas: 2 });
  await relay(world);
  await namespace(world.cluster, TEAM);
  accounts = await Observer.start(world.cluster, SmtpAccounts, TEAM);
  leases = await Observer.start(world.cluster, Leases, NAMESPACE);
}, 1_200_000);
afterAll(async () => {
  await Promise.all([accounts?.stop(), leases?.stop()]);
  await world?.stop();
});

const holder = (lease = leases.get(NAMESPACE, 'migosmtp-operator')): string =>
  lease?.spec?.holderIdentity ?? '';
const podOf = (identity: string): string => identity.split('_')[0]!;
const ready = (object: SmtpAccount | undefined): boolean =>
  object !== undefined && isReady(object as unknown as Thing);
const declare = (name: string, spec: object = {}): Promise<Thing> =>
  apply(world.cluster, kind('SmtpAccount', TEAM, name, spec));
/** Until another process than this one holds the lease. */
const untilTaken = (from: string, timeoutMs: number): Promise<number> =>
  leases.until(NAMESPACE, 'migosmtp-operator', (lease) => ![from, ''].includes(holder(lease)), timeoutMs);
const podPath = (name: string): string => `/api/v1/namespaces/${NAMESPACE}/pods/${name}`;

interface AuditEvent {
  verb: string;
  stage: string;
  user: { username: string };
  userAgent?: string;
  objectRef?: { resource: string; name?: string; subresource?: string };
  responseStatus?: { code: number };
  requestReceivedTimestamp: string;
}

interface Write {
  /** Verb, object and subresource. */
  what: string;
  /** HTTP status of the answer. */
  code: number;
  receivedAt: number;
}

/** What the operator, or one pod of it, wrote since a line of the audit log, Leases aside. */
async function writesSince(line: number, pod?: string): Promise<{ writes: Write[]; line: number }> {
  const text = await readFile(join(world.cluster.paths.logs, 'audit.jsonl'), 'utf8');
  const lines = text.split('\n').slice(line, -1);
  const writes = lines.flatMap((entry) => {
    const { verb, user, userAgent, objectRef, ...event } = JSON.parse(entry) as AuditEvent;
    const isOurs =
      user.username === `system:serviceaccount:${NAMESPACE}:migosmtp-operator` &&
      (pod === undefined || userAgent?.endsWith(` (${pod})`) === true);
    const isWrite = ['create', 'update', 'patch', 'delete'].includes(verb);
    const isAnswered = event.stage === 'ResponseComplete';
    if (!isOurs || !isWrite || !isAnswered || objectRef?.resource === 'leases') return [];
    return {
      what: `${verb} ${objectRef?.resource}/${objectRef?.name} ${objectRef?.subresource ?? ''}`,
      code: event.responseStatus?.code ?? 0,
      receivedAt: Date.parse(event.requestReceivedTimestamp),
    };
  });
  return { writes, line: line + lines.length };
}

test('SIGTERM gives the lease up at once, and the other replica goes on within three seconds', async () => {
  await Promise.all(
    Array.from({ length: ACCOUNTS }, (_, i) => create(world.cluster, kind('SmtpAccount', TEAM, `a${i}`, {}))),
  );
  for (let i = 0; i < ACCOUNTS; i++) await accounts.until(TEAM, `a${i}`, ready, 30_000);
  const { line } = await writesSince(0);
  const first = holder();
  await world.cluster.api.call('DELETE', podPath(podOf(first)));
  expect(await untilTaken(first, 15_000)).toBeLessThan(5_000);
  await declare('after-handover');
  expect(await accounts.until(TEAM, 'after-handover', ready, 20_000)).toBeLessThan(10_000);
  // The new leader has looked at every account and had nothing to write about those that were Ready.
  const { writes } = await writesSince(line);
  expect(writes.filter(({ what }) => / (smtpaccounts|secrets)\/a[0-9]/.test(what))).toEqual([]);
}, 90_000);

test('SIGTERM in the midst of a wave: the next goes on with it, and no account is there twice', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `wave-${i}`);
  const first = holder();
  const created = names.map((name) => create(world.cluster, kind('SmtpAccount', TEAM, name, {})));
  await accounts.until(TEAM, names[0]!, (object) => object !== undefined);
  await world.cluster.api.call('DELETE', podPath(podOf(first)));
  await Promise.all(created);
  await untilTaken(first, 15_000);
  for (const name of names) await accounts.until(TEAM, name, ready, 30_000);
  const entries = (await projected<{ name: string; username: string }>(world.cluster, 'accounts')).filter(
    ({ name }) => name.startsWith('wave-'),
  );
  expect(entries.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  expect(new Set(entries.map(({ username }) => username)).size).toBe(names.length);
}, 90_000);

test('a drain takes one replica at a time: the budget refuses the second until the first is back', async () => {
  const { cluster } = world;
  // This control plane is of a release that does not serve policy/v1 yet.
  await apply(cluster, disruptionBudget(DEFAULTS, 'policy/v1beta1') as unknown as Thing);
  const path = `/apis/policy/v1beta1/namespaces/${NAMESPACE}/poddisruptionbudgets/migosmtp-operator`;
  const counted = (): Promise<boolean> =>
    cluster.api
      .get<{ status?: { disruptionsAllowed?: number } }>(path)
      .then(({ status }) => status?.disruptionsAllowed === 1);
  await cluster.waitFor('the budget to count', counted, 60_000);
  const first = holder();
  // Before the eviction: a pod that has not started yet counts for no budget.
  const { items } = await cluster.api.get<{ items: Thing[] }>(
    `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/name=migosmtp-operator`,
  );
  const other = items.map(({ metadata }) => metadata.name).find((name) => name !== podOf(first));
  expect(await evict(podOf(first))).toBe(201);
  expect(await evict(other ?? '')).toBe(429);
  await untilTaken(first, 15_000);
  await declare('after-drain');
  await accounts.until(TEAM, 'after-drain', ready, 20_000);
  await cluster.waitFor('the replica to be back', counted, 60_000);
}, 180_000);

/** As `kubectl drain` does it: the API server answers 429 where the budget allows no more. */
async function evict(name: string): Promise<number> {
  const eviction = {
    apiVersion: 'policy/v1beta1',
    kind: 'Eviction',
    metadata: { name, namespace: NAMESPACE },
  };
  return (await world.cluster.api.send('POST', `${podPath(name)}/eviction`, eviction)).status;
}

/** The operator's process in a pod, as this machine sees it. */
async function pidIn(pod: string): Promise<number> {
  const { metadata } = await world.cluster.api.get<Thing>(podPath(pod));
  const found = (await world.cluster.processes()).get(`pod-${metadata.uid}-operator`);
  if (found === undefined) throw new Error(`no operator runs in ${pod}`);
  return found.pid;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a leader that is paused past its lease writes nothing when it goes on, and ends', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `paused-${i}`);
  const first = holder();
  const pid = await pidIn(podOf(first));
  const before = (await writesSince(0)).line;
  const created = names.map((name) => create(world.cluster, kind('SmtpAccount', TEAM, name, {})));
  // In the midst of the wave: some Secrets are there, most writes are still to come.
  await accounts.until(TEAM, names[0]!, ready, 30_000);
  process.kill(pid, 'SIGSTOP');
  let line: number;
  let continuedAt: number;
  try {
    await Promise.all(created);
    expect(await untilTaken(first, 25_000)).toBeLessThan(20_000);
    for (const name of names) await accounts.until(TEAM, name, ready, 30_000);
    // It was the writer until then: what is looked for below can be found.
    expect((await writesSince(before, podOf(first))).writes).not.toEqual([]);
    ({ line } = await writesSince(before));
  } finally {
    expect(isAlive(pid)).toBe(true);
    continuedAt = Date.now();
    process.kill(pid, 'SIGCONT');
  }
  await world.cluster.waitFor('the paused process to end', () => Promise.resolve(!isAlive(pid)), 20_000);
  const { writes } = await writesSince(line, podOf(first));
  // Nothing takes effect: what the kernel had half of when the process was paused names a version, or a name that is free.
  expect(writes.filter(({ code }) => code < 300)).toEqual([]);
  // Nothing new is sent, but for the one request that stood between its look at the lease and the kernel.
  expect(writes.filter(({ receivedAt }) => receivedAt >= continuedAt).length).toBeLessThanOrEqual(1);
}, 120_000);

test('a leader that is killed is followed within twenty seconds', async () => {
  const first = holder();
  process.kill(await pidIn(podOf(first)), 'SIGKILL');
  const taken = await untilTaken(first, 25_000);
  expect(taken).toBeLessThan(20_000);
  await declare('after-crash');
  await accounts.until(TEAM, 'after-crash', ready, 20_000);
}, 90_000);
