/** A thousand idle connections, and more than the caps allow: refused or cut, while a healthy client is served. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { type RelayOptions, startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

const IDLE = 1_000;

describe('many connections', () => {
  const open: { stop(): Promise<void> }[] = [];

  afterAll(async () => {
    for (const one of open) await one.stop();
  });

  async function start(sessions: NonNullable<RelayOptions['config']>['sessions']): Promise<TestRelay> {
    const sink: Sink = await startSink();
    const relay = await startRelay({ smarthostPort: sink.port, config: { ...(sessions && { sessions }) } });
    open.push({
      async stop() {
        await relay.stop();
        await sink.close();
      },
    });
    return relay;
  }

  it(`serves a healthy client beside ${IDLE} idle ones, and cuts those at their deadline`, async () => {
    const relay = await start({ untilLoginSeconds: 6 });
    const idle: Dialogue[] = [];
    for (let i = 0; i < IDLE / 100; i++) {
      idle.push(...(await Promise.all(Array.from({ length: 100 }, () => Dialogue.open(relay)))));
    }
    for (const dialogue of idle) expect(await dialogue.reply()).toMatch(/^220 /);
    const started = performance.now();
    const healthy = await Dialogue.loggedIn(relay);
    for (let i = 0; i < 5; i++) expect(await healthy.send()).toMatch(/^250 /);
    expect(performance.now() - started).toBeLessThan(10_000);
    await waitFor(() => idle.every((dialogue) => dialogue.isClosed), {
      what: 'the idle ones to be cut',
      timeoutMs: 20_000,
    });
    expect(await healthy.send()).toMatch(/^250 /);
  }, 60_000);

  it('caps what one source holds without a login, and leaves other sources alone', async () => {
    const relay = await start({ maxUnauthenticatedPerSource: 3 });
    const held = await Promise.all([1, 2, 3].map(() => Dialogue.open(relay)));
    for (const dialogue of held) expect(await dialogue.reply()).toMatch(/^220 /);
    expect(await (await Dialogue.open(relay)).reply()).toMatch(/^421 4\.7\.0 /);
    expect(await (await Dialogue.open(relay, 'starttls', { from: '127.0.0.2' })).reply()).toMatch(/^220 /);
    held[0]?.close();
    await waitFor(async () => (await (await Dialogue.open(relay)).reply()).startsWith('220'), {
      what: 'room after one has left',
    });
  });

  it('caps what one source and one account hold after the login', async () => {
    const relay = await start({ maxPerSource: 3, maxPerAccount: 2 });
    const held = [await Dialogue.loggedIn(relay), await Dialogue.loggedIn(relay)];
    const third = await Dialogue.open(relay, 'tls');
    await third.reply();
    await third.ask('EHLO client.test');
    expect(await third.login()).toMatch(/^421 4\.7\.0 /);
    await waitFor(() => third.isClosed, { what: 'the third to be closed' });
    const others = [await Dialogue.open(relay)];
    expect(await others[0]?.reply()).toMatch(/^220 /);
    expect(await (await Dialogue.open(relay)).reply()).toMatch(/^421 4\.7\.0 /);
    for (const dialogue of held) expect(await dialogue.send()).toMatch(/^250 /);
  });

  it('limits connections of one source that never log in, not those that do', async () => {
    const relay = await start({ maxUnauthenticatedPerMinute: 4 });
    for (let i = 0; i < 6; i++) (await Dialogue.loggedIn(relay)).close();
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) {
      const dialogue = await Dialogue.open(relay);
      answers.push((await dialogue.reply()).slice(0, 3));
      dialogue.close();
    }
    expect(answers).toEqual(['220', '220', '220', '220', '421', '421']);
  });
});
