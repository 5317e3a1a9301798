/**
 * kill -9 at random during sends: what was acknowledged reaches the sink, what was refused does not, duplicates stay
 * within the deliveries in flight, and a killed relay is ready again soon. RELAY_KILLS and RELAY_MESSAGES set the size.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { auditBook, nameOf } from '../support/account-book.ts';
import { acknowledged, startLoad } from '../support/load.ts';
import { sized } from '../support/size.ts';

const KILLS = Number(process.env.RELAY_KILLS ?? sized(20, 3));
const MESSAGES = Number(process.env.RELAY_MESSAGES ?? sized(5000, 500));
const CONNECTIONS = Number(process.env.RELAY_CONNECTIONS ?? sized(50, 20));
/** delivery/delivery.ts: messages in work at once. */
const IN_FLIGHT = 50;
const READY_MS = 5_000;

describe('kill -9 during sends', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port, env: { RELAY_LOG_LEVEL: 'info' } });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it(
    `loses nothing of ${MESSAGES} messages over ${KILLS} kills`,
    async () => {
      const load = await startLoad(relay, { messages: MESSAGES, connections: CONNECTIONS });
      const readyMs: number[] = [];
      for (let i = 1; i <= KILLS; i++) {
        const enough = (MESSAGES * i) / (KILLS + 1);
        await waitFor(async () => acknowledged(await load.submitted()) >= enough, {
          what: `${enough} messages`,
          timeoutMs: 120_000,
        });
        await relay.kill('SIGKILL');
        const started = Date.now();
        await relay.restart();
        await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
        readyMs.push(Date.now() - started);
      }
      console.log(`ready after ${readyMs.toSorted((a, b) => a - b).join(', ')} ms`);
      expect(Math.max(...readyMs)).toBeLessThan(READY_MS);
      await load.ended;
      const submitted = await load.submitted();
      expect(acknowledged(submitted)).toBe(MESSAGES);
      const arrived = () => sink.received.map(({ data }) => data.toString('latin1'));
      // What was in flight at a kill is due at once; what met the sink in between comes after its first retry.
      await waitFor(
        () => {
          const names = new Set(arrived().map(nameOf));
          return submitted.every(({ name, answer }) => answer !== 250 || names.has(name));
        },
        { what: 'all messages at the sink', timeoutMs: 60_000 },
      ).catch(() => undefined);
      const ended = { arrived: arrived(), allowedDuplicates: KILLS * IN_FLIGHT };
      expect(auditBook(submitted, ended)).toEqual([]);
    },
    120_000 + KILLS * 20_000 + MESSAGES * 100,
  );
});
