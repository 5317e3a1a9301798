/**
 * The load, in a process of its own so that its CPU is nobody else's: a closed loop, one message on each
 * connection at a time. It lives through a whole benchmark, so that its code is warm for every subject.
 */
import { type Client, openClient } from './client.ts';
import { type Job, type JobResult, monotonicMs, type SendJob, type SendResult } from './job.ts';
import { messageMaker } from './message.ts';

process.on('message', (job: Job) => {
  const work = job.kind === 'send' ? send(job) : idle(job);
  work.then(
    (result) => process.send?.(result),
    (error: unknown) => {
      const cause = error instanceof Error ? error.message : String(error);
      process.send?.({ kind: 'failed', cause } satisfies JobResult);
    },
  );
});
process.on('disconnect', () => process.exit(0));

async function send(job: SendJob): Promise<SendResult> {
  const before = process.cpuUsage();
  const run = new Run(job);
  await Promise.all(Array.from({ length: job.connections }, (_, i) => run.connection(i)));
  const { user, system } = process.cpuUsage(before);
  return { kind: 'sent', ...run.summary(), cpuMs: (user + system) / 1_000 };
}

class Run {
  readonly #job: SendJob;
  readonly #make: ReturnType<typeof messageMaker>;
  readonly #latencies: number[] = [];
  #left: number;
  #firstMailAt = Infinity;
  #lastReplyAt = 0;

  constructor(job: SendJob) {
    this.#job = job;
    this.#make = messageMaker(job);
    this.#left = job.messages;
  }

  /** One of the connections at a time; a new one as soon as it has sent its share. */
  async connection(index: number): Promise<void> {
    const { port, logins, perConnection } = this.#job;
    const login = logins[index % logins.length];
    if (!login) throw new Error('no login given');
    while (this.#left > 0) {
      const share = Math.min(perConnection, this.#left);
      this.#left -= share;
      const openedAt = monotonicMs();
      const client = await openClient({ port, login });
      // With one message a connection, what a sender waits for includes the connection.
      for (let i = 0; i < share; i++) await this.#message(client, perConnection === 1 ? openedAt : undefined);
      client.quit();
    }
  }

  async #message(client: Client, sinceMs: number | undefined): Promise<void> {
    const { commands, content } = this.#make();
    const mailAt = monotonicMs();
    this.#firstMailAt = Math.min(this.#firstMailAt, mailAt);
    await client.say(commands, '250', '250', '354');
    await client.say(content, '250');
    this.#lastReplyAt = monotonicMs();
    this.#latencies.push(this.#lastReplyAt - (sinceMs ?? mailAt));
  }

  summary() {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return {
      firstMailAt: this.#firstMailAt,
      lastReplyAt: this.#lastReplyAt,
      p50: at(0.5),
      p99: at(0.99),
    };
  }
}

/** A few handshakes at a time: more would only run into the server's deadline for logging in. */
const OPENING_AT_ONCE = 20;
/** An address has about 28,000 ports. */
const PER_ADDRESS = 100;

async function idle({ port, logins, connections }: Extract<Job, { kind: 'idle' }>): Promise<JobResult> {
  let next = 0;
  const opener = async () => {
    for (let i = next++; i < connections; i = next++) {
      const login = logins[i % logins.length];
      if (!login) throw new Error('no login given');
      const address = Math.floor(i / PER_ADDRESS) + 1;
      await openClient({ port, login, localAddress: `127.1.${address >> 8}.${address & 255}` });
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, opener));
  return { kind: 'idle' };
}
