/**
 * A backlog of 100,000 messages and a restart: bounded memory, and a next hop that is still down is asked now and then
 * by one connection, not by thousands. 50 messages of 25 MB at once: they stream, memory stays bounded.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { startLoad } from '../support/load.ts';
import { sized } from '../support/size.ts';
import { countingSink, type CountingSink } from '../support/smtp-sink.ts';

const BACKLOG = sized(100_000, 3_000);
const AT_ONCE = sized(50, 12);
/** delivery/delivery.ts: messages in work at once. */
const IN_FLIGHT = 50;
const MB = 1024 * 1024;
/** The goal for a backlog; an idle relay takes about 100. */
const MOST_MEMORY = 400 * MB;

describe('much mail', () => {
  let sink: CountingSink;
  let relay: TestRelay;

  beforeEach(async () => {
    sink = await countingSink();
    const messageLimits = { maxSize: 30 * MB, maxRecipients: 20 };
    relay = await startRelay({
      smarthostPort: sink.port,
      settings: { messageLimits },
      env: { RELAY_LOG_LEVEL: 'info' },
    });
  });

  afterEach(async () => {
    await relay.stop();
    await sink.stop();
  });

  const queued = async () => (await relay.get<relayApi.RelayState>('/v1/state')).queue.queued;

  it(
    `keeps a backlog of ${BACKLOG} over a restart in bounded memory, and paces its attempts`,
    async () => {
      const load = await startLoad(relay, { messages: BACKLOG, connections: 20 });
      await load.ended;
      expect(await queued()).toBe(BACKLOG);
      await relay.kill('SIGTERM');
      const down = await refusingHop(sink.port);
      const started = performance.now();
      await relay.restart();
      await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
      await waitFor(() => down.connections >= 2, {
        what: 'the next hop to be asked again',
        timeoutMs: 60_000,
      });
      // 421 in the greeting: each connection was one question. Those that began before the first answer are few; from
      // then on one at a time asks, and backs off from a second on.
      expect(down.connections).toBeLessThanOrEqual(IN_FLIGHT + (performance.now() - started) / 500);
      expect(down.most).toBeLessThanOrEqual(IN_FLIGHT);
      expect(await queued()).toBe(BACKLOG);
      await down.close();
      await sink.start();
      await waitFor(async () => (await queued()) === 0, {
        what: 'the backlog to be delivered',
        timeoutMs: 120_000 + BACKLOG * 10,
      });
      expect(await peakMemory(relay.pid)).toBeLessThan(MOST_MEMORY);
    },
    300_000 + BACKLOG * 30,
  );

  it(`takes and sends ${AT_ONCE} messages of 25 MB at once in bounded memory`, async () => {
    await sink.start();
    const chunk = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(250));
    const sendOne = async () => {
      const dialogue = await Dialogue.loggedIn(relay);
      for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA']) {
        await dialogue.ask(line);
      }
      dialogue.write('From: hello@shop.example\r\n\r\n');
      for (let i = 0; i < 100; i++) await dialogue.drained(chunk);
      const answer = await dialogue.ask('.');
      dialogue.close();
      return answer;
    };
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, sendOne));
    expect(answers.filter((answer) => !answer.startsWith('250 '))).toEqual([]);
    await waitFor(async () => (await queued()) === 0, { what: 'delivery', timeoutMs: 240_000 });
    const page = await relay.get<relayApi.ReportPage>('/v1/reports?status=delivered');
    expect(page.items).toHaveLength(AT_ONCE);
    // All of them in memory would be more than a gigabyte at full size.
    expect(await peakMemory(relay.pid)).toBeLessThan(MOST_MEMORY);
  }, 600_000);
});

/** Peak resident memory of the process. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

interface RefusingHop {
  readonly connections: number;
  /** Most at the same time. */
  readonly most: number;
  close(): Promise<void>;
}

/** A next hop that is there and takes nothing. */
async function refusingHop(port: number): Promise<RefusingHop> {
  let [connections, open, most] = [0, 0, 0];
  const server: Server = createServer((socket) => {
    connections++;
    most = Math.max(most, ++open);
    socket.on('error', () => undefined);
    socket.on('close', () => open--);
    socket.end('421 4.3.2 not now\r\n');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    get connections() {
      return connections;
    },
    get most() {
      return most;
    },
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
