/** One run of one subject, and what several of them come to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, MemoryWatch } from '../process-tree.ts';
import { type Load, type Login } from './load/index.ts';
import { PER_CONNECTION, type Scenario } from './scenarios.ts';
import type { Sink } from './sink.ts';
import { RECIPIENT_DOMAIN, type Running, SENDER } from './subjects/subject.ts';

export interface Measured {
  readonly messagesPerSecond: number;
  /** Of the subject's whole process tree, until its queue is empty (accept: until the last 250). */
  readonly cpuMsPerMessage: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Peak of the proportional set sizes, summed. */
  readonly pssMb: number;
  /** CPU of the load itself, to see what is left of the machine. */
  readonly loadCpuMsPerMessage: number;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly running: Running;
  readonly load: Load;
  readonly sink: Sink;
  readonly logins: readonly Login[];
  readonly messages: number;
}

/** After the last message is at the sink a subject still has to strike it off its queue. */
const SETTLE_MS = 300;
const DRAIN_MS = 180_000;

export async function measure(options: RunOptions): Promise<Measured> {
  const { scenario, running, load, sink, logins, messages } = options;
  const cpuBefore = cpuMs(running.pid);
  const countBefore = sink.count;
  const memory = new MemoryWatch(running.pid);
  try {
    const sent = await load.send({
      kind: 'send',
      port: running.port,
      logins,
      connections: scenario.connections,
      perConnection: scenario.mode === 'many' ? PER_CONNECTION : 1,
      messages,
      size: scenario.sizeKb * 1_024,
      from: SENDER,
      recipientDomain: RECIPIENT_DOMAIN,
    });
    const endAt =
      scenario.kind === 'deliver' ? await sink.waitFor(countBefore + messages, DRAIN_MS) : sent.lastReplyAt;
    await sleep(SETTLE_MS);
    return {
      messagesPerSecond: messages / ((endAt - sent.firstMailAt) / 1_000),
      cpuMsPerMessage: (cpuMs(running.pid) - cpuBefore) / messages,
      p50Ms: sent.p50,
      p99Ms: sent.p99,
      pssMb: memory.stop(),
      loadCpuMsPerMessage: sent.cpuMs / messages,
    };
  } finally {
    memory.stop();
  }
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type Summary = { readonly [Key in keyof Measured]: Spread };

export function summarize(runs: readonly Measured[]): Summary {
  const of = (key: keyof Measured) => spread(runs.map((run) => run[key]));
  return {
    messagesPerSecond: of('messagesPerSecond'),
    cpuMsPerMessage: of('cpuMsPerMessage'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    pssMb: of('pssMb'),
    loadCpuMsPerMessage: of('loadCpuMsPerMessage'),
  };
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}
