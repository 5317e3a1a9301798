/** One row: ceiling, creation, restart, rotation of all, on one installation. */
import type { SmtpAccount } from '../../../operator/api/index.ts';
import { PlanLimits, SmtpAccounts, SmtpRelays, type KubeClient } from '../../../operator/kube/index.ts';
import { createLog, Informer, isTrue } from '../../../operator/runtime/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { requestsBetween } from './audit.ts';
import { atOnce, measureCeiling } from './ceiling.ts';
import { rounded, type Row } from './figures.ts';
import { endOperator, memoryOf, progressOf, restartsOf, scaleOperator, usageOf } from './operator-process.ts';
import { createAccount, placesOf, type Place } from './places.ts';
import { buildWorld, RELAY, type Layout } from './world.ts';

const CONNECTIONS = 20;
/** Far above what any machine needs; a row that hangs ends by it. */
const LONGEST_MS_PER_ACCOUNT = 200;

export interface RowOptions {
  layout: Layout;
  count: number;
  /** Neither ceiling nor rotation: with ten thousand accounts they take longer than all the rest. */
  isBrief: boolean;
  progress: (line: string) => void;
}

export async function runRow({ layout, count, isBrief, progress }: RowOptions): Promise<Row> {
  progress(`${layout}: installing`);
  const world = await buildWorld(layout);
  const { client, installation, caBundle } = world;
  const { cluster } = installation;
  try {
    await scaleOperator(cluster, 0);
    const ceilingPerSecond = isBrief ? 0 : await measureCeiling(client, count, caBundle);
    progress(`${layout}: ceiling ${ceilingPerSecond.toFixed(0)}/s`);
    await scaleOperator(cluster, 1);
    const created = await create(cluster, client, count);
    progress(`${layout}: ${JSON.stringify(created)}`);
    await settle(cluster, client, count);
    const restarted = await restart(cluster, count);
    progress(`${layout}: restarted ${JSON.stringify(restarted)}`);
    const rotatedPerSecond = isBrief ? 0 : await rotateAll(client, count);
    const { peakRssMb } = await usageOf(cluster);
    const { peakAtReadyMb, ...rest } = created;
    const highest = Math.max(peakRssMb, restarted.peakRssMb, peakAtReadyMb);
    return {
      layout,
      count,
      ceilingPerSecond: rounded(ceilingPerSecond),
      ...rest,
      operatorRssMb: { atReady: rounded(peakAtReadyMb), atEnd: rounded(highest) },
      restartSeconds: restarted.seconds,
      restartWrites: restarted.writes,
      rotatedPerSecond: rounded(rotatedPerSecond),
    };
  } finally {
    await world.stop();
  }
}

type Created = Pick<
  Row,
  | 'readyPerSecond'
  | 'readySeconds'
  | 'writes'
  | 'writesPerAccount'
  | 'requestsPerAccount'
  | 'operatorCpuMsPerAccount'
> & { peakAtReadyMb: number; kinds: Record<string, number>; memory: Record<string, number> };

/** The clock runs from the first create to the last Ready. */
async function create(cluster: Cluster, client: KubeClient, count: number): Promise<Created> {
  const places = placesOf(count, 'a');
  const before = await usageOf(cluster);
  const watching = await watchAccounts(client, count, (object) => isReady(object));
  const from = new Date();
  const startedAt = performance.now();
  await atOnce(places, CONNECTIONS, async (place) => {
    await createAccount(client, place);
  });
  await watching.done;
  const seconds = (performance.now() - startedAt) / 1000;
  watching.stop();
  const after = await usageOf(cluster);
  const { all, writes, kinds } = await requestsBetween(cluster, from, new Date());
  const restarts = await restartsOf(cluster);
  // CPU and memory would be those of a part of the time.
  if (restarts.count > 0) throw new Error(`the operator was started again meanwhile: ${restarts.why}`);
  return {
    readySeconds: rounded(seconds),
    readyPerSecond: rounded(count / seconds),
    writes,
    writesPerAccount: rounded(writes / count),
    requestsPerAccount: rounded(all / count),
    operatorCpuMsPerAccount: rounded((after.cpuMs - before.cpuMs) / count),
    peakAtReadyMb: after.peakRssMb,
    memory: await memoryOf(cluster),
    kinds,
  };
}

/** Until the counts that follow a wave some seconds later are told: a restart has nothing to do then. */
async function settle(cluster: Cluster, client: KubeClient, count: number): Promise<void> {
  await cluster.waitFor(
    'settled counts',
    async () => {
      const plans = (await client.list(PlanLimits)).items.map(({ status }) => status?.used?.accounts ?? 0);
      const { status } = await client.get(SmtpRelays, RELAY);
      const isApplied = (status?.pods ?? []).every(
        ({ appliedRevision }) => appliedRevision === status?.revision,
      );
      return plans.reduce((sum, used) => sum + used, 0) === count && status?.accounts === count && isApplied;
    },
    60_000,
  );
}

/** SIGTERM, then until every account was reconciled once. */
async function restart(
  cluster: Cluster,
  count: number,
): Promise<{ seconds: number; writes: number; peakRssMb: number; kinds: Record<string, number> }> {
  const before = await usageOf(cluster);
  const from = new Date();
  const startedAt = performance.now();
  await endOperator(cluster);
  await cluster.waitFor(
    'every account reconciled once',
    async () => {
      const { reconciled, waiting } = await progressOf(cluster);
      return reconciled >= count && waiting === 0;
    },
    60_000 + count * LONGEST_MS_PER_ACCOUNT,
  );
  const seconds = rounded((performance.now() - startedAt) / 1000);
  const { peakRssMb } = await usageOf(cluster);
  const { writes, kinds } = await requestsBetween(cluster, from, new Date());
  return { seconds, writes, kinds, peakRssMb: Math.max(peakRssMb, before.peakRssMb) };
}

/** Accounts a second, from the first change of a spec to the last that is Ready with its next password. */
async function rotateAll(client: KubeClient, count: number): Promise<number> {
  const watching = await watchAccounts(
    client,
    count,
    (object) => isReady(object) && object.status?.credentials?.answered.rotation === 1,
  );
  const startedAt = performance.now();
  await atOnce(placesOf(count, 'a'), CONNECTIONS, async (place) => {
    await client.merge(SmtpAccounts, place, { spec: { rotation: { revision: 1 } } });
  });
  await watching.done;
  watching.stop();
  return (1000 * count) / (performance.now() - startedAt);
}

function isReady({ metadata, status }: SmtpAccount): boolean {
  return status?.observedGeneration === metadata.generation && isTrue(status?.conditions, 'Ready');
}

/** Done when so many accounts are as `check` wants them. */
async function watchAccounts(
  client: KubeClient,
  count: number,
  check: (object: SmtpAccount) => boolean,
): Promise<{ done: Promise<void>; stop: () => void }> {
  const informer = new Informer<SmtpAccount>({ client, resource: SmtpAccounts, log: createLog('silent') });
  const fulfilled = new Set<string>();
  const stop = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  informer.onChange(({ object }) => {
    const { namespace, name } = object.metadata as Place;
    if (check(object)) fulfilled.add(`${namespace}/${name}`);
    if (fulfilled.size >= count) resolve();
  });
  informer.start(stop.signal);
  await informer.whenSynced;
  const longestMs = 60_000 + count * LONGEST_MS_PER_ACCOUNT;
  const timer = setTimeout(() => {
    reject(new Error(`${fulfilled.size} of ${count} accounts within ${longestMs / 1000} s`));
  }, longestMs);
  promise.catch(() => undefined);
  const end = (): void => {
    clearTimeout(timer);
    stop.abort();
  };
  return { done: promise, stop: end };
}
