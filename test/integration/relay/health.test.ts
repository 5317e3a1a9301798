/** Health beside readiness: a stuck queue is red while mail is still taken, and the log follows a message by its queue id. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue } from './support/dialogue.ts';
import { startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

describe('health', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    const health = { address: '127.0.0.1', port: 0, queueStuckAfterSeconds: 2 };
    relay = await startRelay({ smarthostPort: sink.port, config: { health } });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${relay.ports.health}/${path}`);
    return { status: response.status, body: await response.text() };
  };
  const metric = async (name: string) =>
    Number(new RegExp(`^migosmtp_relay_${name} (\\d+)$`, 'm').exec((await ask('metrics')).body)?.[1]);

  it('goes red when mail is due and nothing moves, stays ready, and recovers', async () => {
    expect(await ask('healthz')).toEqual({ status: 200, body: 'ok\n' });
    let letGo = () => {};
    const held = new Promise<undefined>((resolve) => (letGo = () => resolve(undefined)));
    // A next hop that takes the message and never says so, but is not down.
    sink.script = { dot: () => held };
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send()).toMatch(/^250 /);
    await waitFor(async () => (await ask('healthz')).status === 503, {
      what: 'red health',
      timeoutMs: 20_000,
    });
    expect((await ask('healthz')).body).toMatch(/^the queue is stuck: /);
    expect(await metric('queue_stuck_seconds')).toBeGreaterThan(0);
    expect(await metric('healthy')).toBe(0);
    expect((await ask('readyz')).status).toBe(200);
    expect(await dialogue.send()).toMatch(/^250 /);
    letGo();
    await sink.waitFor(2);
    await waitFor(async () => (await ask('healthz')).status === 200, { what: 'green health' });
    expect(await metric('healthy')).toBe(1);
    expect(await metric('storage_free_bytes')).toBeGreaterThan(0);
  }, 60_000);

  it('logs one queue id of a message from the 250 to its outcome', async () => {
    sink.script = {};
    const before = sink.received.length;
    const reply = await (await Dialogue.loggedIn(relay)).send();
    const queueId = /queued as (\w+)$/.exec(reply)?.[1] ?? '';
    await sink.waitFor(before + 1);
    const entries = () =>
      relay
        .log()
        .split('\n')
        .filter((line) => line.includes(queueId))
        .map((line) => JSON.parse(line) as { queueId: string; msg: string });
    await waitFor(() => entries().some(({ msg }) => msg === 'delivered'), { what: 'the outcome in the log' });
    expect(entries().map(({ msg }) => msg)).toEqual(['accepted', 'delivered']);
    expect(entries().every((entry) => entry.queueId === queueId)).toBe(true);
    expect(sink.received.at(-1)?.data.toString('latin1')).toContain(`id ${queueId}`);
  });
});
