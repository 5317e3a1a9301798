/**
 * kill -9 before, during and after the durable write, before the 250, and after the next hop's 250 before it is
 * recorded: nothing acknowledged is lost, only the last may arrive twice. strace stops the process at the very system
 * call, and shows that the log is synced before the 250 is written.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { auditBook, BOOK_HEADER, type Submitted } from '../support/account-book.ts';
import { mayTrace, trace, type Tracing } from '../support/strace.ts';

const SYNC = 'fsync,fdatasync';
const SOCKET = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg';

(mayTrace ? describe : describe.skip)('kill -9 at each step (needs ptrace)', () => {
  let sink: Sink;
  let relay: TestRelay;
  let tracing: Tracing | undefined;

  beforeEach(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port, env: { RELAY_LOG_LEVEL: 'info' } });
  });

  afterEach(async () => {
    await tracing?.detach();
    await relay.stop();
    await sink.close();
  });

  const log = () => join(relay.folder, 'storage', 'spool.db-wal');

  /** Stops the process at the first of these calls on the store's log, and once it has answered, starts it again. */
  async function sendWhile(args: readonly string[]): Promise<Submitted> {
    const dialogue = await Dialogue.loggedIn(relay);
    tracing = await trace(relay.pid, [...args]);
    const exited = relay.exited();
    const submitted = await submit(dialogue);
    await exited;
    dialogue.close();
    await relay.restart();
    return submitted;
  }

  /** The sink has all that it will get: a message sent now came through. */
  async function settled(): Promise<string[]> {
    const last = await submit(await Dialogue.loggedIn(relay), 'last');
    expect(last.answer).toBe(250);
    const texts = () => sink.received.map(({ data }) => data.toString('latin1'));
    await waitFor(() => texts().some((text) => text.includes(`${BOOK_HEADER}: last\r\n`)), {
      what: 'the last message',
    });
    const isEmpty = async () => (await relay.get<{ items: object[] }>('/v1/queue')).items.length === 0;
    await waitFor(isEmpty, { what: 'the queue to be empty' });
    return texts().filter((text) => !text.includes(`${BOOK_HEADER}: last\r\n`));
  }

  it.each([
    ['before the durable write', ['-e', 'inject=pwrite64:signal=SIGKILL:when=1']],
    ['during the durable write', ['-e', 'inject=pwrite64:signal=SIGKILL:when=3']],
    ['before the sync', ['-e', `inject=${SYNC}:signal=SIGKILL:when=1`]],
  ])(
    '%s: no 250, and the message is not there or whole',
    async (_, inject) => {
      const submitted = await sendWhile(['-P', log(), '-e', `trace=pwrite64,${SYNC}`, ...inject]);
      expect(submitted.answer).toBe('unknown');
      const arrived = await settled();
      expect(auditBook([submitted], { arrived, allowedDuplicates: 0 })).toEqual([]);
    },
    60_000,
  );

  it('after the durable write and before the 250: delivered once, under the same Message-ID', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    // The sync is done when the delay begins: what follows is the way to the 250.
    const wait = ['-P', log(), '-e', `trace=${SYNC}`, '-e', `inject=${SYNC}:delay_exit=3000000:when=1`];
    tracing = await trace(relay.pid, wait);
    const submitting = submit(dialogue);
    const traced = tracing;
    await waitFor(async () => (await traced.lines()).some((line) => line.includes(' = 0')), {
      what: 'the sync',
    });
    // The tracer ends with what it traces; told to leave in the midst of a delay it can leave a thread behind, stopped.
    await relay.kill('SIGKILL');
    await tracing.detach();
    const submitted = await submitting;
    expect(submitted.answer).toBe('unknown');
    await relay.restart();
    const arrived = await settled();
    expect(arrived).toHaveLength(1);
    expect(auditBook([submitted], { arrived, allowedDuplicates: 0 })).toEqual([]);
  }, 60_000);

  it('after the 250 of the next hop and before it is recorded: delivered twice, under the same Message-ID', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    sink.script = { dot: () => '451 4.3.0 later' };
    const submitted = await submit(dialogue);
    expect(submitted.answer).toBe(250);
    const reports = () => relay.get<{ items: { queueId: string; status: string }[] }>('/v1/reports');
    const deferred = await waitFor(
      async () => (await reports()).items.find(({ status }) => status === 'deferred'),
      { what: 'the deferral' },
    );
    // Before the next hop answers, the store's writes begin to fail: the outcome cannot be recorded.
    sink.script = {
      dot: async () => {
        const failing = ['-P', log(), '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:error=EIO'];
        tracing = await trace(relay.pid, failing);
        return undefined;
      },
    };
    await relay.call('POST', `/v1/queue/${deferred.queueId}/retry`);
    await waitFor(() => relay.log().includes('"msg":"delivered"'), { what: 'the 250 of the next hop' });
    await relay.kill('SIGKILL');
    sink.script = {};
    dialogue.close();
    await relay.restart();
    const arrived = await settled();
    expect(arrived).toHaveLength(2);
    expect(auditBook([submitted], { arrived, allowedDuplicates: 1 })).toEqual([]);
  }, 60_000);

  it('syncs the log before it writes the 250', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    tracing = await trace(relay.pid, ['-e', `trace=${SYNC},${SOCKET}`]);
    const submitted = await submit(dialogue);
    expect(submitted.answer).toBe(250);
    await tracing.detach();
    const calls = await tracing.lines();
    const order = calls.flatMap((line) => stepOf(line, relay.ports.tls));
    const lastRead = order.lastIndexOf('message');
    const reply = order.indexOf('reply', lastRead);
    const sync = order.indexOf('synced', lastRead);
    expect(lastRead).toBeGreaterThanOrEqual(0);
    expect(sync).toBeGreaterThan(lastRead);
    expect(reply).toBeGreaterThan(sync);
  }, 60_000);
});

async function submit(dialogue: Dialogue, name = 'one'): Promise<Submitted> {
  const data = `From: hello@shop.example\r\n${BOOK_HEADER}: ${name}\r\n\r\nbody of ${name}\r\n`;
  const answer = await dialogue.send({ data });
  return { name, answer: answer === '' ? 'unknown' : Number(answer.slice(0, 3)), data };
}

/** What a line of the trace means for the order: bytes from the client, the log synced, bytes to the client. */
function stepOf(line: string, port: number): ('message' | 'synced' | 'reply')[] {
  if (/(fsync|fdatasync)\(.*spool\.db-wal.* = 0$|<\.\.\. (fsync|fdatasync) resumed>.* = 0$/.test(line))
    return ['synced'];
  if (!line.includes(`127.0.0.1:${port}->`)) return [];
  if (/ (read|readv|recvfrom|recvmsg)\(.* = [1-9]/.test(line)) return ['message'];
  return / (write|writev|sendto|sendmsg)\(/.test(line) ? ['reply'] : [];
}
