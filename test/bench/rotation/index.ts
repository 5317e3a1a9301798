/**
 * `npm run bench -- rotation`: rotations one after another while a client logs in every 20 ms on every pod with the
 * published password, then resets.
 * Limits: everything shares one machine; times are taken from watch events, so that polling adds nothing.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { SmtpAccounts, type KubeClient } from '../../../operator/kube/index.ts';
import type { SmtpAccount } from '../../../operator/api/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { isReady, type Thing } from '../../integration/operator/support/installation.ts';
import { Observer } from '../../integration/operator/support/observer.ts';
import { LoginLoop } from '../../support/login-loop/index.ts';
import { rounded } from '../accounts/figures.ts';
import { workspaceName } from '../accounts/places.ts';
import { buildWorld, LAYOUTS, type Layout, type World } from '../accounts/world.ts';

const USAGE = `usage: npm run bench -- rotation [--count N] [--resets N] [--pods ${LAYOUTS.join('|')}] [--json FILE]`;
const LOGIN_EVERY_MS = 20;
/** Passwords end two to three seconds after their successor is published; five of them at most stand at once. */
const OVERLAP = '2s';
const PACE_MS = 700;
const PLACE = { namespace: workspaceName(0), name: 'app' };

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '200' },
      resets: { type: 'string', default: '40' },
      pods: { type: 'string', default: 'two' },
      json: { type: 'string' },
    },
  });
  const [count, resets] = [Number(values.count), Number(values.resets)];
  const layout = LAYOUTS.find((name) => name === values.pods);
  if (!Number.isInteger(count) || !Number.isInteger(resets) || layout === undefined) throw new Error(USAGE);
  const row = await measure(layout, count, resets);
  const { times: _, ...figures } = row;
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name} ${value}\n`);
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ rows: [{ layout, ...row }], figures }, null, 2)}\n`);
}

async function measure(layout: Layout, count: number, resets: number) {
  const world = await buildWorld(layout, 1);
  const { installation, client } = world;
  const { cluster } = installation;
  const accounts = await Observer.start(cluster, SmtpAccounts, PLACE.namespace);
  const secret = `${PLACE.name}-smtp`;
  const loop = await LoginLoop.start({ cluster, ...PLACE, secret, relay: `${NAMESPACE}/main` });
  try {
    await client.create(SmtpAccounts, accountOf());
    await accounts.until(PLACE.namespace, PLACE.name, (object) => isSettled(object, 0, 0), 60_000);
    await loop.untilPublished('1');
    await loop.lookForPods();
    loop.begin(LOGIN_EVERY_MS);
    const rotated = await rotations({ client, accounts, loop, count });
    const { attempts, failures } = await loop.end();
    for (const failure of failures.slice(0, 5)) process.stderr.write(`${JSON.stringify(failure)}\n`);
    const reset = await resetAll({ client, accounts, loop, count: resets, rotation: count });
    return {
      rotate_p50_ms: percentile(rotated, 0.5),
      rotate_p99_ms: percentile(rotated, 0.99),
      failed_logins: failures.length,
      logins: attempts,
      reset_p99_ms: percentile(reset, 0.99),
      times: { rotated, reset },
    };
  } finally {
    await Promise.all([loop.stop(), accounts.stop()]);
    await world.stop();
  }
}

interface Round {
  client: World['client'];
  accounts: Observer<SmtpAccount>;
  loop: LoginLoop;
  count: number;
}

/** Milliseconds from the change of the spec to the published password, each. */
async function rotations({ client, accounts, loop, count }: Round): Promise<number[]> {
  const times: number[] = [];
  for (let revision = 1; revision <= count; revision++) {
    const startedAt = performance.now();
    const published = loop.untilPublished(String(revision + 1)).then(() => performance.now() - startedAt);
    await rotate(client, { revision });
    times.push(rounded(await published));
    await accounts.until(PLACE.namespace, PLACE.name, (object) => isSettled(object, revision, 0), 30_000);
    const restMs = PACE_MS - (performance.now() - startedAt);
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return times;
}

/** Milliseconds from the change of the spec to the begin of the first login that the last pod refuses, each. */
async function resetAll({ client, accounts, loop, count, rotation }: Round & { rotation: number }) {
  const times: number[] = [];
  for (let reset = 1; reset <= count; reset++) {
    const old = loop.target;
    const startedAt = Date.now();
    const refused = loop.untilRefused(old);
    await rotate(client, { revision: rotation, resetRevision: reset });
    const at = await refused;
    if (at < 0) throw new Error(`reset ${reset}: the old password is still accepted`);
    times.push(at - startedAt);
    await accounts.until(PLACE.namespace, PLACE.name, (object) => isSettled(object, rotation, reset), 60_000);
  }
  return times;
}

function rotate(client: KubeClient, rotation: object): Promise<unknown> {
  const spec = { rotation: { ...rotation, overlap: OVERLAP } };
  return client.merge(SmtpAccounts, PLACE, { spec });
}

function isSettled(object: SmtpAccount | undefined, rotation: number, reset: number): boolean {
  const answered = object?.status?.credentials?.answered;
  return (
    object !== undefined &&
    isReady(object as unknown as Thing) &&
    answered?.rotation === rotation &&
    answered.reset === reset
  );
}

function accountOf(): SmtpAccount {
  return {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'SmtpAccount',
    metadata: { ...PLACE },
    spec: { rotation: { overlap: OVERLAP } },
  };
}

function percentile(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
