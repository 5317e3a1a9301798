/**
 * Disk full, I/O error, read-only, too many open files: 452 4.3.1, readiness false, nothing acknowledged is lost, and
 * all is well again by itself. The full disk is a small file system; the other errors are what the kernel answers to
 * the store's own system calls (strace), or what a lowered limit makes it answer (prlimit).
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { mayTrace, trace } from '../support/strace.ts';

const run = promisify(execFile);

/** A small file system needs root; elsewhere the test says so and passes over. */
const isRoot = process.getuid?.() === 0;
const ready = (relay: TestRelay) =>
  waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
const unready = (relay: TestRelay) =>
  waitFor(async () => (await relay.readyz()).body.includes('store'), {
    what: 'unreadiness',
    timeoutMs: 5_000,
  });

(isRoot ? describe : describe.skip)('disk full (needs root for a small file system)', () => {
  let sink: Sink;
  let relay: TestRelay;
  let volume: string;

  beforeAll(async () => {
    volume = await mkdtemp(join(tmpdir(), 'relay-volume-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', volume]);
    sink = await startSink();
    sink.script = { dot: () => '451 4.3.0 later' };
    const storage = { kind: 'embedded' as const, directory: join(volume, 'storage') };
    relay = await startRelay({ smarthostPort: sink.port, config: { storage } });
  });

  afterAll(async () => {
    await relay.stop();
    await run('umount', ['-l', volume]);
    await rm(volume, { recursive: true, force: true });
    await sink.close();
  });

  it('refuses with 452 4.3.1, is unready, and recovers by itself', async () => {
    const data = simpleMessage({}, `${'x'.repeat(900)}\r\n`.repeat(200));
    const accepted: string[] = [];
    let answer = '';
    const dialogue = await Dialogue.loggedIn(relay);
    for (let i = 0; i < 400 && !answer.startsWith('452'); i++) {
      answer = await dialogue.send({ data });
      if (answer.startsWith('250')) accepted.push(answer);
    }
    expect(answer).toMatch(/^452 4\.3\.1 /);
    expect(accepted.length).toBeGreaterThan(10);
    await unready(relay);
    await run('mount', ['-o', 'remount,size=96m', volume]);
    await ready(relay);
    expect(await dialogue.send({ data })).toMatch(/^250 /);
    sink.script = {};
    await relay.restart();
    for (const reply of accepted) await relay.call('POST', `/v1/queue/${/as (\w+)$/.exec(reply)?.[1]}/retry`);
    await sink.waitFor(accepted.length, 60_000);
    expect(await leftBodies(join(volume, 'storage', 'bodies'))).toEqual([]);
  }, 180_000);
});

(mayTrace ? describe : describe.skip)('the store gets errors (needs ptrace)', () => {
  let sink: Sink;
  let relay: TestRelay;
  let dialogue: Dialogue;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    dialogue = await Dialogue.loggedIn(relay);
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it.each([
    ['an I/O error of the write', 'pwrite64:error=EIO'],
    ['an I/O error of the sync', 'fsync,fdatasync:error=EIO'],
    ['a file system that became read-only', 'pwrite64,fsync,fdatasync,ftruncate:error=EROFS'],
    ['a quota that is used up', 'pwrite64:error=EDQUOT'],
  ])(
    '%s: refuses with 452 4.3.1, is unready, and recovers by itself',
    async (_, fault) => {
      const before = sink.received.length;
      const calls = fault.slice(0, fault.indexOf(':'));
      const store = join(relay.folder, 'storage', 'spool.db');
      const args = ['-P', store, '-P', `${store}-wal`, '-e', `trace=${calls}`, '-e', `inject=${fault}`];
      const tracing = await trace(relay.pid, args);
      expect(await dialogue.send()).toMatch(/^452 4\.3\.1 /);
      await unready(relay);
      // From now on the client hears it before it sends anything, and the process lives.
      expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^452 4\.3\.1 /);
      await tracing.detach();
      await ready(relay);
      expect(await dialogue.send()).toMatch(/^250 /);
      await sink.waitFor(before + 1);
      expect(sink.received.length).toBe(before + 1);
    },
    60_000,
  );
});

describe('too many open files', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it('refuses what needs a file, keeps the process, and recovers by itself', async () => {
    const large = simpleMessage({}, `${'x'.repeat(900)}\r\n`.repeat(500));
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ data: large })).toMatch(/^250 /);
    await sink.waitFor(1);
    const open = (await readdir(`/proc/${relay.pid}/fd`)).length;
    await limitFiles(relay.pid, 3);
    expect(await dialogue.send({ data: large })).toMatch(/^45[12] 4\.3\.[01] /);
    expect(open).toBeGreaterThan(3);
    await limitFiles(relay.pid, 1024);
    await ready(relay);
    expect(await dialogue.send({ data: large })).toMatch(/^250 /);
    // New connections too: the listener did not give up.
    expect(await (await Dialogue.loggedIn(relay)).send()).toMatch(/^250 /);
    await sink.waitFor(3);
    expect(sink.received.length).toBe(3);
  }, 60_000);
});

async function limitFiles(pid: number, soft: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
}

async function leftBodies(folder: string): Promise<string[]> {
  await waitFor(async () => (await readdir(folder)).length === 0, { what: 'bodies to be deleted' }).catch(
    () => undefined,
  );
  return readdir(folder);
}
