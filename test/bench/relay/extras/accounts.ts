/** Memory of 10,000 accounts, and how long a change of one of them takes to come into force. */
import { mkdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { relayApi } from '@migosmtp/operator/api';
import { createPki } from '../../../integration/relay/support/certificates.ts';
import { pssMb } from '../../process-tree.ts';
import { collectGarbage } from './garbage.ts';
import type { Figures } from '../figures.ts';
import { monotonicMs } from '../load/index.ts';
import { spread } from '../measure.ts';
import type { RowOptions } from '../rows.ts';
import { accountOf, relaySettings, startRelay } from '../subjects/relay.ts';
import { freePort } from '../subjects/subject.ts';

const ACCOUNTS = 10_000;
const WARM_UP = 20;
const PUSHES = 51;
/** Time to give back what was collected. */
const SETTLE_MS = 3_000;

export async function manyAccounts(options: RowOptions): Promise<Figures> {
  const few = await withShards(options, 'few', 0, memoryOf);
  return withShards(options, 'many', ACCOUNTS, async (relay) => {
    const accounts = (await memoryOf(relay)) - few;
    return { accounts_10k_mb: accounts, push_ms: await pushTime(relay) };
  });
}

interface Pushed {
  readonly pid: number;
  readonly logFile: string;
  readonly shards: readonly relayApi.Shard[];
  readonly push: (shards: readonly relayApi.Shard[]) => Promise<void>;
}

/** Without garbage: how much of that there is at a moment says nothing of the accounts. */
async function memoryOf({ pid, logFile }: Pushed): Promise<number> {
  await collectGarbage(await readFile(logFile, 'utf8'));
  await sleep(SETTLE_MS);
  return pssMb(pid);
}

/** Median over pushes of one shard in which one account has changed, over the connection that is kept. */
async function pushTime({ shards, push }: Pushed): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < WARM_UP + PUSHES; i++) {
    const shard = shards[i % shards.length];
    const account = shard?.accounts[0];
    if (!shard || !account) throw new Error('a shard without accounts');
    account.limits = { ...account.limits, perHour: 1_000 + i };
    const startedAt = monotonicMs();
    await push([{ ...shard, revision: 2 + i }]);
    if (i >= WARM_UP) took.push(monotonicMs() - startedAt);
  }
  return spread(took).median;
}

async function withShards<T>(
  options: RowOptions,
  name: string,
  accounts: number,
  use: (relay: Pushed) => Promise<T>,
): Promise<T> {
  const folder = join(options.folder, `shards-${name}`);
  await mkdir(join(folder, 'mount'), { recursive: true });
  const pki = await createPki(folder);
  const [admin, client] = await Promise.all([
    pki.issue('admin', [relayApi.ADMIN_SERVER_NAME]),
    pki.issue('operator', ['operator']),
  ]);
  const { tls } = options;
  const sinkPort = await freePort();
  const relay = await startRelay(
    { folder, sinkPort, tls, logins: [], connections: 1, dkimKeyFile: undefined },
    {
      nodeOptions: ['--inspect=127.0.0.1:0'],
      config: {
        admin: { ...admin, clientCaFile: pki.caFile, address: '127.0.0.1', port: 0 },
        policy: { from: 'shards', directory: join(folder, 'mount') },
      },
    },
  );
  const agent = new Agent({
    keepAlive: true,
    ca: await readFile(pki.caFile),
    cert: await readFile(client.certFile),
    key: await readFile(client.keyFile),
    servername: relayApi.ADMIN_SERVER_NAME,
  });
  const push = (shards: readonly relayApi.Shard[]) => put(agent, relay.ports.admin ?? 0, { shards });
  try {
    const shards = makeShards(sinkPort, accounts);
    await push(shards);
    return await use({ pid: relay.pid, logFile: relay.logFile, shards, push });
  } finally {
    agent.destroy();
    await relay.stop();
  }
}

function put(agent: Agent, port: number, body: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { agent, port, host: '127.0.0.1', method: 'PUT', path: '/v1/shards' },
      (response) => {
        response.resume();
        const { statusCode } = response;
        response.on('end', () =>
          statusCode === 200 ? resolve() : reject(new Error(`the push answered ${statusCode}`)),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

function makeShards(sinkPort: number, count: number): relayApi.Shard[] {
  const shards = Array.from({ length: relayApi.SHARD_COUNT }, (_, shard): relayApi.Shard => ({
    format: relayApi.SHARD_FORMAT,
    relay: { namespace: 'mail', name: 'relay', uid: 'relay' },
    shard,
    revision: 1,
    ...(shard === 0 && { settings: relaySettings(sinkPort) }),
    accounts: [],
    domains: [],
    workspaces: [],
  }));
  for (let i = 0; i < count; i++) {
    const username = `smtpuser_${i.toString(16).padStart(8, '0')}`;
    const account = accountOf({ username, password: `Tr4il${i}xQmBvZk7LpW9sDfGh2JnYc8Re` }, i);
    const index = relayApi.shardOf(`account/${account.namespace}/${account.name}`);
    shards[index]?.accounts.push(account);
  }
  return shards;
}
