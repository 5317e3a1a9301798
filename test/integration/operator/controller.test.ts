/** A controller of the runtime by itself, on the real API server: what a kind may rely on, whatever its steps do. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { SmtpAccount, SmtpAccountStatus } from '../../../operator/api/index.ts';
import {
  Events,
  KubeClient,
  loadConnection,
  SmtpAccounts,
  type AnyObject,
} from '../../../operator/kube/index.ts';
import {
  createLog,
  EventRecorder,
  Informer,
  Metrics,
  prepareController,
  watchOwn,
  type ActionResult,
  type Decision,
} from '../../../operator/runtime/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { create, kind } from './support/installation.ts';

type Verdict = Decision<string, SmtpAccountStatus>;
const log = createLog('silent');
const NAMESPACE = 'default';
let cluster: Cluster;
let client: KubeClient;
const stops: AbortController[] = [];

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  client = new KubeClient(await loadConnection(cluster.kubeconfig));
}, 600_000);
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

interface Steps {
  decide: (account: SmtpAccount, rounds: number) => Verdict;
  apply?: (action: string) => Promise<ActionResult>;
}

/** Works on the account of this name only. */
async function run(name: string, steps: Steps) {
  const stop = new AbortController();
  stops.push(stop);
  const informer = new Informer<SmtpAccount>({
    client,
    log,
    resource: SmtpAccounts,
    namespaces: [NAMESPACE],
  });
  let rounds = 0;
  const prepared = prepareController<SmtpAccount, SmtpAccount | undefined, string, SmtpAccountStatus>({
    name: 'example',
    concurrency: 4,
    informer,
    watches: [watchOwn(informer)],
    observe: (key) => Promise.resolve(key === `${NAMESPACE}/${name}` ? informer.get(key) : undefined),
    objectOf: (account) => account,
    decide: (account) =>
      account === undefined ? { rule: 'Other', actions: [] } : steps.decide(account, ++rounds),
    apply: (action) => steps.apply?.(action) ?? Promise.resolve('done'),
    statusAfterError: (_, error) => ({ username: `failed: ${(error as Error).message}` }),
  });
  informer.start(stop.signal);
  await informer.whenSynced;
  const metrics = new Metrics();
  const events = new EventRecorder(client, log);
  const running = prepared.start({ client, events, metrics, log }, stop.signal);
  return { running, rounds: () => rounds, stop, metrics };
}

const declare = (name: string): Promise<unknown> => create(cluster, kind('SmtpAccount', NAMESPACE, name, {}));
const usernameOf = async (name: string): Promise<string | undefined> =>
  (await client.get(SmtpAccounts, { namespace: NAMESPACE, name })).status?.username;
const untilUsername = (name: string, wanted: string): Promise<true | undefined> =>
  cluster.waitFor(
    `${name} to say ${wanted}`,
    async () => (await usernameOf(name)) === wanted || undefined,
    15_000,
  );

test('a step that fails is told in status, and tried again until it succeeds', async () => {
  await declare('fails');
  let attempts = 0;
  const { metrics } = await run('fails', {
    decide: () => ({ rule: 'Try', actions: ['try'], status: { username: 'done' } }),
    apply: async () => {
      if (++attempts <= 3) {
        if (attempts === 2) await untilUsername('fails', 'failed: not yet');
        throw new Error('not yet');
      }
      return 'done';
    },
  });
  await untilUsername('fails', 'done');
  expect(attempts).toBe(4);
  const { values } = await metrics.reconciles.get();
  const failed = values.find(({ labels }) => labels.outcome === 'error');
  expect(failed?.value).toBe(3);
});

test('a step that changed the world is followed by another look, before status is written', async () => {
  await declare('looks');
  const { rounds } = await run('looks', {
    decide: (_, round) => ({
      rule: 'Look',
      actions: round < 3 ? ['change'] : [],
      status: { username: `round ${round}` },
    }),
    apply: () => Promise.resolve('observe'),
  });
  await untilUsername('looks', 'round 3');
  expect(rounds()).toBe(3);
});

test('a decision that never settles ends in an error and not in a loop', async () => {
  await declare('circles');
  const { rounds, running } = await run('circles', {
    decide: () => ({ rule: 'Circle', actions: ['again'], status: { username: 'never' } }),
    apply: () => Promise.resolve('observe'),
  });
  await running.whenIdle();
  expect(rounds() % 12).toBe(0);
  expect(await usernameOf('circles')).not.toBe('never');
});

test('status that must stand before a deed is written first, and one that is the same not at all', async () => {
  await declare('first');
  const seen: (string | undefined)[] = [];
  const { running } = await run('first', {
    decide: () => ({
      rule: 'First',
      actions: ['deed'],
      status: { username: 'about to' },
      isStatusFirst: true,
    }),
    apply: async () => {
      seen.push(await usernameOf('first'));
      return 'done';
    },
  });
  await untilUsername('first', 'about to');
  await running.whenIdle();
  const ref = { namespace: NAMESPACE, name: 'first' };
  const { resourceVersion } = (await client.get(SmtpAccounts, ref)).metadata;
  running.add(`${NAMESPACE}/first`);
  await cluster.waitFor('another look', () => Promise.resolve(seen.length >= 2));
  await running.whenIdle();
  expect(seen).toEqual(['about to', 'about to']);
  expect((await client.get(SmtpAccounts, ref)).metadata.resourceVersion).toBe(resourceVersion);
});

test('a status that was overtaken by a change that no watch brings back is told all the same, and no deed goes before it', async () => {
  await declare('overtaken');
  const kubectl = await cluster.findKubectl();
  const seen: (string | undefined)[] = [];
  await run('overtaken', {
    decide: (_, round) => {
      // In the same turn as the decision: its event comes after the status was sent.
      if (round === 1) {
        const patch = JSON.stringify({ metadata: { finalizers: ['example.com/other'] } });
        const args = ['-n', NAMESPACE, 'patch', 'smtpaccount', 'overtaken', '--type=merge', '-p', patch];
        const cache = `--cache-dir=${join(cluster.paths.folder, 'kubectl')}`;
        execFileSync(kubectl, [`--kubeconfig=${cluster.kubeconfig}`, cache, ...args]);
      }
      return { rule: 'First', actions: ['deed'], status: { username: 'told' }, isStatusFirst: true };
    },
    apply: async () => {
      seen.push(await usernameOf('overtaken'));
      return 'done';
    },
  });
  await untilUsername('overtaken', 'told');
  expect(new Set(seen)).toEqual(new Set(['told']));
});

test('a controller that is stopped ends its workers, and nothing is begun any more', async () => {
  await declare('stops');
  const { running, rounds, stop } = await run('stops', {
    decide: () => ({ rule: 'Steady', actions: [], status: { username: 'steady' } }),
  });
  await untilUsername('stops', 'steady');
  const before = rounds();
  stop.abort();
  await running.finished;
  running.add(`${NAMESPACE}/stops`);
  expect(rounds()).toBe(before);
});

interface CoreEvent extends AnyObject {
  reason: string;
  message: string;
  count: number;
}

test('equal events are one object that counts, written ever more seldom; others have their own', async () => {
  const account = await create(cluster, kind('SmtpAccount', NAMESPACE, 'eventful', {}));
  const events = new EventRecorder(client, log);
  const record = (message: string): void =>
    events.record(SmtpAccounts, account, {
      type: 'Warning',
      reason: 'OldPasswordInUse',
      message,
    });
  const listed = async (): Promise<CoreEvent[]> => {
    const { items } = await client.list(Events, { namespace: NAMESPACE });
    return (items as CoreEvent[]).filter(({ reason }) => reason === 'OldPasswordInUse');
  };
  record('used again');
  await cluster.waitFor('the event', async () => (await listed()).length === 1);
  for (let count = 2; count <= 9; count++) record('used again');
  await cluster.waitFor('its count', async () => (await listed())[0]?.count === 8);
  record('used elsewhere');
  await cluster.waitFor('the other event', async () => (await listed()).length === 2);
  const counts = Object.fromEntries((await listed()).map(({ message, count }) => [message, count]));
  expect(counts).toEqual({ 'used again': 8, 'used elsewhere': 1 });
});
