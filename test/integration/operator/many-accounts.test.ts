/** A wave of accounts on the real control plane: writes that are shared, and a start that finds nothing to do. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeClient, loadConnection, SmtpAccounts } from '../../../operator/kube/index.ts';
import { isTrue } from '../../../operator/runtime/index.ts';
import { requestsBetween, type Requests } from '../../bench/accounts/audit.ts';
import { atOnce } from '../../bench/accounts/ceiling.ts';
import { endOperator, progressOf, untilLeading } from '../../bench/accounts/operator-process.ts';
import { createAccount, type Place } from '../../bench/accounts/places.ts';
import type { ZoneRecord } from '../../support/dns-server.ts';
import {
  apply,
  install,
  isReady,
  kind,
  namespace,
  relay,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

const COUNT = process.env['MIGOSMTP_TEST_SIZE'] === 'full' ? 5_000 : 240;
const WORKSPACES = ['wave-a', 'wave-b', 'wave-c', 'wave-d', 'wave-e'];
const CONNECTIONS = 20;
/** Far above what any machine needs. */
const LONGEST_MS = 60_000 + COUNT * 200;

let world: Installation;
let client: KubeClient;

beforeAll(async () => {
  world = await install({ env: { LOG_LEVEL: 'warn' } });
  await relay(world);
  client = new KubeClient(await loadConnection(world.cluster.kubeconfig));
  for (const name of WORKSPACES) await namespace(world.cluster, name);
  await verifiedDomain();
}, 1_200_000);
afterAll(async () => {
  await client?.close();
  await world?.stop();
});

const places: Place[] = Array.from({ length: COUNT }, (_, index) => ({
  namespace: WORKSPACES[index % WORKSPACES.length]!,
  name: `a${index}`,
}));

/** Ready, and not to be looked at again within the hour. */
async function verifiedDomain(): Promise<void> {
  const { cluster, dns } = world;
  const [home = ''] = WORKSPACES;
  const wait = (check: (object: Thing) => boolean): Promise<Thing> =>
    until(cluster, 'VerifiedDomain', home, 'main', check, 30_000);
  await apply(
    cluster,
    kind('VerifiedDomain', home, 'main', { domain: 'example.com', recheckInterval: '1h' }),
  );
  const { status } = await wait((object) => object.status?.['dnsRecords'] !== undefined);
  await dns.publish(Object.values(status?.['dnsRecords'] as Record<string, ZoneRecord>));
  await wait(isReady);
}

/** A list of thousands is work for the server too: with a pause that lets the operator have most of the machine. */
async function countReady(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, COUNT / 5));
  const lists = await Promise.all(WORKSPACES.map((name) => client.list(SmtpAccounts, { namespace: name })));
  return lists.flatMap(({ items }) => items).filter(({ status }) => isTrue(status?.conditions, 'Ready'))
    .length;
}

/** Nothing is told any more: counts in the status of relay and plans follow some seconds later. */
async function untilQuiet(): Promise<void> {
  await world.cluster.waitFor(
    'ten seconds without a write',
    async () => {
      const now = Date.now();
      return (await requestsBetween(world.cluster, new Date(now - 10_000), new Date(now))).writes === 0;
    },
    120_000,
  );
}

test(
  'many accounts at once become Ready, and share writes of shards',
  async () => {
    const from = new Date();
    const before = await progressOf(world.cluster, 'verified-domain');
    await atOnce(places, CONNECTIONS, async (place) => void (await createAccount(client, place)));
    await world.cluster.waitFor('all of them', async () => (await countReady()) === COUNT, LONGEST_MS);
    const seconds = Math.round((Date.now() - from.getTime()) / 1000);
    const wait = 'wait smtpaccount/a0 -n wave-a --for=condition=Ready --timeout=10s';
    await world.cluster.kubectl(wait.split(' '));
    const { kinds, writes } = await requestsBetween(world.cluster, from, new Date());
    console.log(`${COUNT} accounts in ${seconds} s: ${writes} writes, ${JSON.stringify(kinds)}`);
    expect(kinds['create secrets']).toBe(COUNT);
    // Of shards: nothing else is updated.
    expect(kinds['update secrets']).toBeLessThan(COUNT * SHARED);
    // Nothing of it concerns a domain, however often pods acknowledge something.
    const after = await progressOf(world.cluster, 'verified-domain');
    expect(after.reconciled - before.reconciled).toBeLessThan(10);
  },
  LONGEST_MS + 60_000,
);

/** Without waiting for company it is more than 0.5. */
const SHARED = 0.4;

test('an operator that starts beside them reconciles each within a minute, and writes nothing', async () => {
  await untilQuiet();
  const from = new Date();
  await endOperator(world.cluster);
  await untilLeading(world.cluster);
  let seen = { reconciled: 0, waiting: 0 };
  await world.cluster.waitFor(
    'every account reconciled once',
    async () => {
      seen = await progressOf(world.cluster);
      return seen.reconciled >= COUNT && seen.waiting === 0;
    },
    60_000,
  );
  const took = Date.now() - from.getTime();
  const found: Requests = await requestsBetween(world.cluster, from, new Date());
  console.log(`started beside ${COUNT} accounts: ${took} ms, ${found.all} requests`);
  expect(took).toBeLessThan(60_000);
  expect([found.writes, found.kinds]).toEqual([0, {}]);
}, 300_000);
