/** A full disk: 452 and unready, nothing acknowledged lost, and all well again once there is space. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const run = promisify(execFile);

/** A small file system needs root; elsewhere the test says so and passes over. */
const isRoot = process.getuid?.() === 0;

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
    await waitFor(async () => (await relay.readyz()).body.includes('store'), {
      what: 'unreadiness',
      timeoutMs: 5_000,
    });
    await run('mount', ['-o', 'remount,size=96m', volume]);
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'recovery' });
    expect(await dialogue.send({ data })).toMatch(/^250 /);
    sink.script = {};
    await relay.restart();
    for (const reply of accepted) await relay.call('POST', `/v1/queue/${/as (\w+)$/.exec(reply)?.[1]}/retry`);
    await sink.waitFor(accepted.length, 60_000);
    expect(await leftBodies(join(volume, 'storage', 'bodies'))).toEqual([]);
  }, 180_000);

  it('puts a damaged store aside and starts', async () => {
    await relay.kill('SIGTERM');
    const file = join(volume, 'storage', 'spool.db');
    await writeFile(file, Buffer.alloc((await stat(file)).size, 'garbage'));
    await relay.restart();
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
    expect(relay.log()).toContain('the store was damaged and put aside');
    expect((await readdir(join(volume, 'storage'))).some((name) => name.includes('.damaged-'))).toBe(true);
  });
});

async function leftBodies(folder: string): Promise<string[]> {
  await waitFor(async () => (await readdir(folder)).length === 0, { what: 'bodies to be deleted' }).catch(
    () => undefined,
  );
  return readdir(folder);
}
