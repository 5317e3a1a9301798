/**
 * A damaged store: put aside and reported, the rest flows, and the relay does not end again and again. Two relays on
 * one store: the second refuses.
 */
import { execFile } from 'node:child_process';
import { open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue, simpleMessage } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../../relay/main.ts');

describe('a store', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeEach(async () => {
    sink = await startSink();
    sink.script = { dot: () => '451 4.3.0 later' };
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterEach(async () => {
    await relay.stop();
    await sink.close();
  });

  const storage = () => join(relay.folder, 'storage');
  const ready = () => waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
  const aside = async () => (await readdir(storage())).filter((name) => name.includes('.damaged-'));

  const reported = async (queueId: string) =>
    (await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}`)).items[0];

  async function fill(count: number): Promise<void> {
    const dialogue = await Dialogue.loggedIn(relay);
    const data = simpleMessage({}, `${'x'.repeat(900)}\r\n`.repeat(8));
    for (let i = 0; i < count; i++) expect(await dialogue.send({ data })).toMatch(/^250 /);
    dialogue.close();
  }

  async function sendsAgain(): Promise<void> {
    sink.script = {};
    await ready();
    const before = sink.received.length;
    expect(await (await Dialogue.loggedIn(relay)).send()).toMatch(/^250 /);
    await sink.waitFor(before + 1);
  }

  it('that is nothing but garbage is put aside and reported', async () => {
    await fill(3);
    await relay.kill('SIGTERM');
    const file = join(storage(), 'spool.db');
    await writeFile(file, Buffer.alloc((await stat(file)).size, 'garbage'));
    await relay.restart();
    expect(relay.log()).toContain('the store was damaged and put aside');
    expect(await aside()).not.toEqual([]);
    await sendsAgain();
  }, 60_000);

  /** With the root of a table all of it is lost; elsewhere most can be read. */
  it.each<[string, (pages: number) => [number, number], number]>([
    ['the root of a table', () => [1, 2], 0],
    ['pages with the text of messages', (pages) => [Math.floor(pages * 0.2), Math.ceil(pages * 0.3)], 20],
    ['its last pages', (pages) => [pages - 6, pages], 20],
  ])(
    'with garbage over %s starts, reports it, and takes and sends mail',
    async (_, range, kept) => {
      await fill(60);
      await relay.kill('SIGTERM');
      const file = join(storage(), 'spool.db');
      const handle = await open(file, 'r+');
      // The file says itself how large its pages are (SQLite's header).
      const page = (await handle.read(Buffer.alloc(2), 0, 2, 16)).buffer.readUInt16BE();
      const [first, end] = range((await stat(file)).size / page);
      await handle.write(Buffer.alloc((end - first) * page, 0xa5), 0, (end - first) * page, first * page);
      await handle.close();
      await relay.restart();
      await sendsAgain();
      // Whatever is damaged is met at the latest when all that waits is tried.
      const left = await relay.get<relayApi.ReportPage>('/v1/queue?limit=1000');
      for (const { queueId } of left.items) await relay.call('POST', `/v1/queue/${queueId}/retry`);
      await waitFor(() => relay.log().includes('the store was damaged'), { what: 'the report of it' });
      expect(await aside()).not.toEqual([]);
      // What could be read flows; what lost its content is told to its sender.
      const isEmpty = async () => (await relay.get<relayApi.ReportPage>('/v1/queue')).items.length === 0;
      await waitFor(isEmpty, { what: 'the queue to be empty' });
      expect(sink.received.length).toBeGreaterThan(kept);
      expect((await relay.readyz()).status).toBe(200);
    },
    60_000,
  );

  it('that lost the content of one message bounces that one and sends the others', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    const large = simpleMessage({}, `${'x'.repeat(900)}\r\n`.repeat(400));
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push(/as (\w+)$/.exec(await dialogue.send({ data: large }))?.[1] ?? '');
    for (const id of ids) {
      const isDeferred = async () => (await reported(id))?.status === 'deferred';
      await waitFor(isDeferred, { what: `${id} to be deferred` });
    }
    await rm(join(storage(), 'bodies', ids[1] ?? ''));
    sink.script = {};
    for (const id of ids) await relay.call('POST', `/v1/queue/${id}/retry`);
    // Two messages, and the notification of the third to its sender.
    await sink.waitFor(3);
    const statuses = await Promise.all(ids.map(async (id) => (await reported(id))?.status));
    expect(statuses).toEqual(['delivered', 'bounced', 'delivered']);
    expect(relay.log()).toContain('R_BODY_MISSING');
    expect((await relay.readyz()).status).toBe(200);
  }, 60_000);

  it('serves one relay: a second refuses to start', async () => {
    const file = join(relay.folder, 'second.yaml');
    await writeFile(file, await readFile(join(relay.folder, 'relay.yaml'), 'utf8'));
    const { code, stderr } = await runMain(['--config', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^relay: R_STORE_LOCKED: another relay process uses the store in [^\n]*\n$/);
    await sendsAgain();
  }, 60_000);
});

function runMain(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 20_000 }, (error, _, stderr) => {
      done({ code: Number(error?.code ?? 0), stderr });
    });
  });
}
