/** Two relay processes on one PostgreSQL: exact limits, takeover after a kill, news of what the other one changed. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { allShards, type TestRelay } from './support/relay.ts';
import {
  type Account,
  sendUntil,
  type SharedStore,
  startSharedStore,
  subjectOf,
} from './support/shared-store.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const LEASE_MS = 15_000;

describe('two relays on one database', () => {
  let store: SharedStore;
  let sink: Sink;
  let relays: [TestRelay, TestRelay];

  beforeAll(async () => {
    [store, sink] = await Promise.all([startSharedStore(), startSink()]);
    // Together, on an empty database: one of them makes the tables.
    relays = await Promise.all([
      store.start({ smarthostPort: sink.port }),
      store.start({ smarthostPort: sink.port }),
    ]);
  }, 60_000);

  afterAll(async () => {
    await store.remove();
    await sink.close();
  });

  it('lets exactly one of 100 parallel messages pass when one is left, over both', async () => {
    const dialogues = await Promise.all(
      Array.from({ length: 100 }, (_, i) => Dialogue.loggedIn(i % 2 ? relays[0] : relays[1])),
    );
    const limits = { perDay: 1, onWindowLimit: 'Reject' as const };
    for (const relay of relays) {
      await relay.push(...allShards({ smarthostPort: sink.port }, { revision: 2, account: { limits } }));
    }
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA']) {
      await Promise.all(dialogues.map((dialogue) => dialogue.ask(line)));
    }
    for (const dialogue of dialogues) dialogue.write('From: hello@shop.example\r\n\r\nx\r\n.\r\n');
    const answers = await Promise.all(dialogues.map((dialogue) => dialogue.reply()));
    expect(answers.filter((answer) => answer.startsWith('250'))).toHaveLength(1);
    expect(
      answers.filter((answer) => answer.startsWith('451 4.7.1 account limit of 1 per day')),
    ).toHaveLength(99);
    for (const dialogue of dialogues) dialogue.close();
    await sink.waitFor(1);
    for (const relay of relays) {
      await relay.push(...allShards({ smarthostPort: sink.port }, { revision: 3 }));
    }
  }, 60_000);

  it('sends at once what was hastened through the other one', async () => {
    const before = sink.received.length;
    sink.script = { dot: () => '451 4.3.0 later' };
    const dialogue = await Dialogue.loggedIn(relays[0]);
    const queueId = /queued as (\S+)/.exec(await dialogue.send())?.[1] ?? '';
    dialogue.close();
    await waitFor(async () => (await report(relays[1], queueId)) === 'deferred', { what: 'the deferral' });
    sink.script = {};
    // This one has no configuration and so sends nothing itself: it can only tell.
    const teller = await store.start({ smarthostPort: sink.port, bare: true });
    const { status } = await teller.call('POST', `/v1/queue/${queueId}/retry`);
    expect(status).toBeLessThan(300);
    // A relay that hears nothing looks again after 30 s at the earliest.
    await waitFor(async () => (await report(relays[0], queueId)) === 'delivered', {
      what: 'delivery by the relay that was told',
      timeoutMs: 10_000,
    });
    expect(sink.received.length).toBeGreaterThan(before);
    await teller.stop();
  }, 60_000);

  it('cancels through one what the other has in its queue', async () => {
    sink.script = { dot: () => '451 4.3.0 later' };
    const dialogue = await Dialogue.loggedIn(relays[0]);
    const queueId = /queued as (\S+)/.exec(await dialogue.send())?.[1] ?? '';
    dialogue.close();
    await waitFor(async () => (await report(relays[0], queueId)) === 'deferred', { what: 'the deferral' });
    expect((await relays[1].call('DELETE', `/v1/queue/${queueId}`)).status).toBeLessThan(300);
    expect(await report(relays[0], queueId)).toBe('cancelled');
    sink.script = {};
  });

  it('passes large mail through the database byte by byte', async () => {
    const body = Array.from({ length: 40_000 }, (_, i) => `${i} ${'x'.repeat(60)}\r\n`).join('');
    const dialogue = await Dialogue.loggedIn(relays[1]);
    const subject = 'large';
    expect(await dialogue.send({ data: simpleMessage({ Subject: subject }, body) })).toMatch(/^250 /);
    dialogue.close();
    const arrived = () => sink.received.find((message) => subjectOf(message) === subject);
    await waitFor(arrived, { what: 'the large message', timeoutMs: 20_000 });
    const text = arrived()?.data.toString('latin1') ?? '';
    expect(text.slice(text.indexOf('\r\n\r\n') + 4) === body).toBe(true);
    await waitFor(async () => (await query('SELECT count(*)::int AS n FROM migosmtp.body_chunks')) === 0, {
      what: 'its parts to be deleted',
    });
  }, 60_000);

  it('loses nothing when one is killed while both send: the other takes over after the lease', async () => {
    const account: Account = { accepted: [], refused: [] };
    // Slow enough that the one that is killed has mail in work.
    sink.script = { dot: () => new Promise((resolve) => setTimeout(() => resolve(undefined), 100)) };
    let isOver = false;
    const senders = [0, 1, 2, 3].map((i) =>
      sendUntil(relays[i % 2 ? 0 : 1], account, () => isOver, `kill-${i}`),
    );
    await waitFor(() => account.accepted.length >= 60, {
      what: '60 acknowledged messages',
      timeoutMs: 30_000,
    });
    await relays[1].kill('SIGKILL');
    const inWork = await unfinished();
    isOver = true;
    await Promise.all(senders);
    sink.script = {};
    await waitFor(async () => (await unfinished()) === 0, {
      what: 'the killed one’s mail to go out',
      timeoutMs: 3 * LEASE_MS,
    });
    const seen = sink.received.map(subjectOf).filter((subject) => subject.startsWith('kill-'));
    expect(account.accepted.filter((subject) => !seen.includes(subject))).toEqual([]);
    expect(seen.length - new Set(seen).size).toBeLessThanOrEqual(inWork);
  }, 120_000);

  async function report(relay: TestRelay, queueId: string): Promise<string | undefined> {
    const page = await relay.get<{ items: { status: string }[] }>(`/v1/reports?queueId=${queueId}`);
    return page.items[0]?.status;
  }

  const unfinished = () =>
    query('SELECT count(*)::int AS n FROM migosmtp.recipients WHERE next_at IS NOT NULL');

  async function query(text: string): Promise<number> {
    const rows = await store.server.query(text, store.server.uri({ database: 'test_1' }));
    return Number(rows[0]?.n);
  }
});
