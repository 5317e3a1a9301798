/** Runs the rows: all subjects of a row are up, and take turns run by run. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Load, Login } from './load/index.ts';
import { measure, type Measured, type Summary, summarize } from './measure.ts';
import { messagesOf, nameOf, type Scenario } from './scenarios.ts';
import { Sink } from './sink.ts';
import { freePort, type Running, type Subject } from './subjects/subject.ts';

export interface Row extends Summary {
  readonly scenario: string;
  readonly subject: string;
  readonly messages: number;
  readonly runs: number;
}

export interface RowOptions {
  readonly folder: string;
  readonly load: Load;
  readonly logins: readonly Login[];
  readonly tls: { readonly certFile: string; readonly keyFile: string };
  readonly dkimKeyFile: string;
  readonly runs: number;
  readonly quick: boolean;
  readonly progress: (line: string) => void;
}

interface Entry {
  readonly subject: Subject;
  readonly running: Running;
  readonly messages: number;
  readonly runs: Measured[];
}

/** What everybody is sent before it counts, in runs. */
const WARM_UP_RUNS = 2;

/** Slower by far than ours: half the messages take as long. */
const SLOW = new Set(['postfix', 'haraka']);

export async function runRow(
  scenario: Scenario,
  subjects: readonly Subject[],
  options: RowOptions,
): Promise<Row[]> {
  const { progress } = options;
  const sink = await Sink.start();
  const entries: Entry[] = [];
  try {
    for (const subject of subjects) entries.push(await startEntry(subject, { scenario, sink, options }));
    for (const entry of entries) await runOnce(entry, { scenario, sink, options, isWarmUp: true });
    for (let run = 1; run <= options.runs; run++) {
      for (const entry of entries) {
        const measured = await runOnce(entry, { scenario, sink, options, isWarmUp: false });
        entry.runs.push(measured);
        progress(`${nameOf(scenario)} run ${run} ${describe(entry.subject.name, measured)}`);
      }
    }
  } finally {
    for (const { running } of entries) await running.stop();
    await sink.stop();
  }
  return entries.map(({ subject, messages, runs }) => ({
    scenario: nameOf(scenario),
    subject: subject.name,
    messages,
    runs: runs.length,
    ...summarize(runs),
  }));
}

interface Context {
  readonly scenario: Scenario;
  readonly sink: Sink;
  readonly options: RowOptions;
}

async function startEntry(subject: Subject, { scenario, sink, options }: Context): Promise<Entry> {
  const folder = join(options.folder, `${nameOf(scenario)}-${subject.name.replaceAll(' ', '-')}`);
  await mkdir(folder, { mode: 0o755 });
  const running = await subject.start({
    folder,
    // Held delivery is a next hop that refuses connections.
    sinkPort: scenario.kind === 'deliver' ? sink.port : await freePort(),
    connections: scenario.connections,
    tls: options.tls,
    dkimKeyFile: scenario.dkim ? options.dkimKeyFile : undefined,
    logins: options.logins,
  });
  const messages = messagesOf(scenario, { slow: SLOW.has(subject.name), quick: options.quick });
  return { subject, running, messages, runs: [] };
}

/**
 * Compiled code, opened connections, started processes: none of them belongs to the first run. A fifth of a run was
 * too little for that: CPU of a message went on falling by a third from the first run to the fifth.
 */
function runOnce(
  { running, messages }: Entry,
  { scenario, sink, options, isWarmUp }: Context & { isWarmUp: boolean },
): Promise<Measured> {
  const { load, logins } = options;
  const count = isWarmUp ? messages * WARM_UP_RUNS : messages;
  return measure({ scenario, running, load, sink, logins, messages: count });
}

export function describe(name: string, measured: Measured): string {
  const { messagesPerSecond, cpuMsPerMessage, p50Ms, p99Ms, pssMb } = measured;
  return (
    `${name}: ${messagesPerSecond.toFixed(0)}/s, CPU ${cpuMsPerMessage.toFixed(2)} ms, ` +
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${pssMb.toFixed(0)} MB`
  );
}
