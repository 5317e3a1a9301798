/** One relay process and two of them, each on a database of the same PostgreSQL, in turns. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Postgres, startPostgres } from '../../../support/postgres.ts';
import { cpuMs } from '../../process-tree.ts';
import type { Figures } from '../figures.ts';
import { Load, type SendResult } from '../load/index.ts';
import { spread } from '../measure.ts';
import type { RowOptions } from '../rows.ts';
import { Sink } from '../sink.ts';
import { type RunningRelay, startRelay } from '../subjects/relay.ts';
import { RECIPIENT_DOMAIN, SENDER } from '../subjects/subject.ts';

const MESSAGES = 6_000;
const CONNECTIONS = 50;
const LOADS = 2;
const DRAIN_MS = 180_000;
const SETTLE_MS = 300;

interface Side {
  readonly name: string;
  readonly relays: readonly RunningRelay[];
  readonly rates: number[];
  /** Of the relays and the database, per message, until everything is delivered. */
  readonly cpu: number[];
}

interface Bench {
  readonly options: RowOptions;
  readonly postgres: Postgres;
  readonly sink: Sink;
  readonly loads: readonly Load[];
}

export async function sharedDatabase(options: RowOptions): Promise<Figures> {
  const [postgres, sink] = await Promise.all([startPostgres(), Sink.start()]);
  const loads = Array.from({ length: LOADS }, () => new Load());
  const bench = { options, postgres, sink, loads };
  const sides: Side[] = [];
  try {
    for (const count of [1, 2]) sides.push(await startSide(bench, count));
    for (const side of sides) await runOnce(bench, side);
    for (const { rates, cpu } of sides) rates.length = cpu.length = 0; // that was to warm up
    for (let run = 0; run < options.runs; run++) for (const side of sides) await runOnce(bench, side);
  } finally {
    for (const { relays } of sides) for (const relay of relays) await relay.stop();
    for (const load of loads) load.stop();
    await sink.stop();
    await postgres.remove();
  }
  const [one, two] = sides;
  const ratio = (pick: (side: Side | undefined) => readonly number[]) =>
    spread(pick(two)).median / spread(pick(one)).median;
  return {
    postgres_two_vs_one: ratio((side) => side?.rates ?? []),
    postgres_cpu_two_vs_one: ratio((side) => side?.cpu ?? []),
  };
}

async function startSide({ options, postgres, sink }: Bench, count: number): Promise<Side> {
  const name = count === 1 ? 'one relay on PostgreSQL' : `${count} relays on PostgreSQL`;
  const uriFile = join(options.folder, `uri-${count}`);
  await writeFile(uriFile, await postgres.createDatabase());
  const relays: RunningRelay[] = [];
  for (let i = 0; i < count; i++) {
    const folder = join(options.folder, `postgres-${count}-${i}`);
    const directory = join(folder, 'storage');
    await mkdir(directory, { recursive: true });
    const subject = { ...options, folder, dkimKeyFile: undefined, sinkPort: sink.port };
    const config = { storage: { kind: 'postgres' as const, uriFile, directory } };
    relays.push(await startRelay({ ...subject, connections: CONNECTIONS / count }, { config }));
  }
  return { name, relays, rates: [], cpu: [] };
}

/** The same two loads against both sides, so that what they cost is alike. */
async function runOnce({ options, postgres, sink, loads }: Bench, side: Side): Promise<void> {
  const roots = [postgres.pid, ...side.relays.map(({ pid }) => pid)];
  const cpu = () => roots.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const [before, received] = [cpu(), sink.count];
  const results = await Promise.all(
    loads.map((load, i) =>
      load.send({
        kind: 'send',
        port: side.relays[i % side.relays.length]?.port ?? 0,
        logins: options.logins,
        connections: CONNECTIONS / LOADS,
        perConnection: 50,
        messages: MESSAGES / LOADS,
        size: 5 * 1_024,
        from: SENDER,
        recipientDomain: RECIPIENT_DOMAIN,
      }),
    ),
  );
  await sink.waitFor(received + MESSAGES, DRAIN_MS);
  await sleep(SETTLE_MS);
  side.rates.push(MESSAGES / (spanMs(results) / 1_000));
  side.cpu.push((cpu() - before) / MESSAGES);
  const said = `${side.rates.at(-1)?.toFixed(0)} messages/s accepted, ${side.cpu.at(-1)?.toFixed(3)} ms CPU`;
  options.progress(`${side.name}: ${said}`);
}

function spanMs(results: readonly SendResult[]): number {
  const first = Math.min(...results.map(({ firstMailAt }) => firstMailAt));
  return Math.max(...results.map(({ lastReplyAt }) => lastReplyAt)) - first;
}
