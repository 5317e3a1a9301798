/**
 * The operator process: connects, keeps caches warm, and reconciles while it holds the lease.
 *
 * Replicas without the lease keep their caches, so that they take over in the time that the lease takes. A lost lease
 * ends the process: whatever was in memory may be wrong. SIGTERM gives the lease up at once.
 */
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { createCaches, startCaches } from './caches.ts';
import type { OperatorContext } from './context.ts';
import { createControllers } from './kinds/index.ts';
import { discover, KubeClient, loadConnection } from './kube/index.ts';
import { watchObjects } from './object-metrics.ts';
import { numberOf, readOptions, RELEASE, USAGE } from './options.ts';
import { RelayRegistry } from './projection/index.ts';
import { serveReports } from './reports/index.ts';
import {
  createLog,
  EventRecorder,
  LeaderElection,
  Metrics,
  startHealthServer,
  type Log,
  type PreparedController,
  type RunningController,
} from './runtime/index.ts';

const LEASE_NAME = 'migosmtp-operator';
/** Relays are opened before accounts are looked at, for at most this long. */
const RELAYS_FIRST_MS = 10_000;
/** Far less than the lease holds without being renewed, and than a pod is given to end. */
const LAST_WRITES_MS = 2_000;

// Waves of reconciles make garbage faster than V8 thinks worth collecting: by default its heap grows to four times of
// what is in use. Together with the small young generation that the installation sets, this halves the resident set.
setFlagsFromString('--heap-growing-percent=30');

// A typing error must not start an operator that acts on all namespaces.
const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const isHelp = argument === '--help';
  (isHelp ? process.stdout : process.stderr).write(USAGE);
  process.exit(isHelp ? 0 : 2);
}
const log = createLog();
try {
  await run(log);
} catch (error) {
  log.fatal({ err: error }, 'the operator ends');
  process.exitCode = 1;
}
// Open connections and timers must not keep a process that has stopped.
process.exit();

async function run(log: Log): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  const metrics = new Metrics();
  const connection = await loadConnection();
  // Which replica wrote what is told by the API server's audit log.
  const userAgent = `migosmtp-operator/${RELEASE} (${hostname()})`;
  const plain = new KubeClient(connection, { onRequest: metrics.countRequest, userAgent });
  const leader = new LeaderElection({
    client: plain,
    namespace: connection.namespace,
    name: LEASE_NAME,
    identity: `${hostname()}_${process.pid}_${Date.now().toString(36)}`,
    log,
  });
  const client = plain.fenced(leader.fence);
  const options = readOptions(process.env, connection.namespace);
  const caches = createCaches({ client: plain, log, watchNamespaces: options.watchNamespaces });
  watchObjects(metrics.registry, caches);
  const capabilities = await discover(plain);
  const events = new EventRecorder(client, log);
  const relays = new RelayRegistry();
  const context = { client, caches, capabilities, relays, events, metrics, log, options };
  const controllers = createControllers(context);
  let isSynced = false;
  await startHealthServer({
    port: numberOf(process.env, 'HEALTH_PORT', 8080),
    metrics,
    isAlive: () => true,
    isReady: () => isSynced,
  });
  await startCaches(caches, stop.signal);
  isSynced = true;
  // Now, as a process that is killed writes nothing on its way out.
  flushCompileCache();
  log.info(
    { release: RELEASE, relays: caches.relays.size, accounts: caches.accounts.size },
    'caches are filled',
  );
  const port = numberOf(process.env, 'REPORTS_PORT', 8443);
  void serveReports({ context, port, isLeader: () => leader.isLeader }, stop.signal);
  await leader.acquire(stop.signal);
  if (!stop.signal.aborted) await lead(context, leader, controllers, stop.signal);
}

/** Reconcile until the signal or until the lease is lost, which throws. */
async function lead(
  context: OperatorContext,
  leader: LeaderElection,
  controllers: readonly PreparedController[],
  signal: AbortSignal,
): Promise<void> {
  const { log, metrics } = context;
  log.info('this process leads');
  metrics.leader.set(1);
  const holding = leader.hold(signal);
  const working = startInOrder(context, controllers, signal);
  await Promise.race([holding, working.then(() => holding)]);
  // What is under way is brought to its next step while the lease is still ours; work that waits is left to the next.
  const finished = working.then((all) => Promise.all(all.map((each) => each.finished)));
  await Promise.race([finished, sleep(LAST_WRITES_MS, undefined, { ref: false })]);
  metrics.leader.set(0);
  // From here on the fence refuses every write: another process may begin.
  await leader.release();
  context.relays.closeAll();
  log.info('the lease is released');
}

async function startInOrder(
  context: OperatorContext,
  controllers: readonly PreparedController[],
  signal: AbortSignal,
): Promise<RunningController[]> {
  const [relays, ...others] = controllers;
  const first = relays?.start(context, signal);
  await Promise.race([first?.whenIdle(), sleep(RELAYS_FIRST_MS, undefined, { ref: false })]);
  return [...(first === undefined ? [] : [first]), ...others.map((other) => other.start(context, signal))];
}
