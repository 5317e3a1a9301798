/**
 * SIGTERM under load: no new connections, transactions finish or get 421, the process ends within its grace with 0 and
 * has lost nothing. A client that goes away in mid-DATA leaves nothing behind.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { auditBook } from '../support/account-book.ts';
import { acknowledged, startLoad } from '../support/load.ts';
import { sized } from '../support/size.ts';

const CONNECTIONS = sized(50, 20);
const GRACE_S = 5;

describe('a relay that is going or left', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeEach(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port, env: { RELAY_LOG_LEVEL: 'info' } });
  });

  afterEach(async () => {
    await relay.stop();
    await sink.close();
  });

  it('finishes or refuses what runs on SIGTERM, and ends within the grace', async () => {
    const load = await startLoad(relay, { messages: 1_000_000, connections: CONNECTIONS, once: true });
    await waitFor(async () => acknowledged(await load.submitted()) > CONNECTIONS * 5, {
      what: 'the load',
      timeoutMs: 60_000,
    });
    const started = performance.now();
    const code = await relay.kill('SIGTERM');
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan((GRACE_S + 2) * 1000);
    await load.ended;
    const submitted = await load.submitted();
    // Nobody is left without an answer: with one, the client knows whether it has to send again.
    expect(submitted.filter(({ answer }) => answer === 'unknown')).toEqual([]);
    await relay.restart();
    const arrived = () => sink.received.map(({ data }) => data.toString('latin1'));
    const isEmpty = async () => (await relay.get<relayApi.ReportPage>('/v1/queue')).items.length === 0;
    await waitFor(isEmpty, { what: 'the queue to be empty', timeoutMs: 60_000 });
    await sink.waitFor(acknowledged(submitted));
    expect(auditBook(submitted, { arrived: arrived(), allowedDuplicates: 0 })).toEqual([]);
  }, 180_000);

  it.each([
    ['a small message', 1],
    ['a large one, whose body is a file already', 400],
  ])(
    'queues nothing of a client that goes away in mid-DATA: %s',
    async (_, lines) => {
      const dialogue = await Dialogue.loggedIn(relay);
      for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA']) {
        await dialogue.ask(line);
      }
      dialogue.write(`From: hello@shop.example\r\n\r\n${`${'x'.repeat(900)}\r\n`.repeat(lines)}half a li`);
      const bodies = () => readdir(join(relay.folder, 'storage', 'bodies'));
      if (lines > 1) await waitFor(async () => (await bodies()).length === 1, { what: 'the body file' });
      dialogue.close();
      const sessions = async () => /^migosmtp_relay_sessions (\d+)$/m.exec(await metrics())?.[1];
      await waitFor(async () => (await sessions()) === '0', { what: 'the session to end' });
      await waitFor(async () => (await bodies()).length === 0, { what: 'the body file to be removed' });
      expect((await relay.get<relayApi.ReportPage>('/v1/reports')).items).toEqual([]);
      expect(sink.received).toEqual([]);
    },
    60_000,
  );

  async function metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${relay.ports.health}/metrics`)).text();
  }
});
