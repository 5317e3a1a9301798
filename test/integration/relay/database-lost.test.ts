/** The database goes away, comes back, is not there at the start, refuses writes: nothing acknowledged is lost. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue } from './support/dialogue.ts';
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

describe('a database that is lost', () => {
  let store: SharedStore;
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    [store, sink] = await Promise.all([startSharedStore(), startSink()]);
    relay = await store.start({ smarthostPort: sink.port });
  }, 60_000);

  afterAll(async () => {
    await store.remove();
    await sink.close();
  });

  const isReady =
    (of = relay) =>
    async () =>
      (await of.readyz()).status === 200;
  const isUnready =
    (of = relay) =>
    async () =>
      (await of.readyz()).status === 503;

  it('refuses for a while and recovers by itself when the database crashes under load, again and again', async () => {
    const account: Account = { accepted: [], refused: [] };
    let isOver = false;
    const senders = [0, 1, 2, 3].map((i) => sendUntil(relay, account, () => isOver, `crash-${i}`));
    for (let round = 1; round <= 3; round++) {
      const goal = account.accepted.length + 30;
      await waitFor(() => account.accepted.length >= goal, { what: `${goal} messages`, timeoutMs: 30_000 });
      await store.server.stop('crash');
      await waitFor(isUnready(), { what: 'unreadiness', timeoutMs: 20_000 });
      await store.server.start();
      await waitFor(isReady(), { what: 'readiness', timeoutMs: 20_000 });
    }
    isOver = true;
    await Promise.all(senders);
    expect(account.refused.length).toBeGreaterThan(0);
    await waitFor(async () => (await relay.get<{ items: unknown[] }>('/v1/queue')).items.length === 0, {
      what: 'an empty queue',
      timeoutMs: 40_000,
    });
    const seen = new Set(sink.received.map(subjectOf));
    expect(account.accepted.filter((subject) => !seen.has(subject))).toEqual([]);
    expect(account.refused.filter((subject) => seen.has(subject))).toEqual([]);
  }, 180_000);

  it('answers 452 while the database takes no writes', async () => {
    const { server } = store;
    await server.query('ALTER DATABASE test_1 SET default_transaction_read_only = on');
    await endSessions();
    await waitFor(isUnready(), { what: 'unreadiness', timeoutMs: 20_000 });
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^452 4\.3\.1 /);
    await server.query('ALTER DATABASE test_1 RESET default_transaction_read_only');
    await endSessions();
    await waitFor(isReady(), { what: 'readiness', timeoutMs: 20_000 });
    expect(await dialogue.send()).toMatch(/^250 /);
    dialogue.close();
  }, 60_000);

  it('uses a rotated password for new connections', async () => {
    const { server, uriFile } = store;
    await server.query("CREATE ROLE rotated SUPERUSER LOGIN PASSWORD 'first'");
    await writeFile(uriFile, server.uri({ database: 'test_1', user: 'rotated', password: 'first' }));
    const users = async () =>
      (
        await server.query(
          "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'migosmtp-relay'",
        )
      ).map((row) => row.usename);
    const dialogue = await Dialogue.loggedIn(relay);
    await waitFor(
      async () => (await dialogue.send()).startsWith('250') && (await users()).includes('rotated'),
      { what: 'connections as the new user', timeoutMs: 20_000 },
    );
    await server.query("ALTER ROLE rotated PASSWORD 'second'");
    await writeFile(uriFile, server.uri({ database: 'test_1', user: 'rotated', password: 'second' }));
    await endSessions();
    await waitFor(async () => (await dialogue.send()).startsWith('250'), {
      what: 'a 250',
      timeoutMs: 20_000,
    });
    dialogue.close();
  }, 60_000);

  it('starts without its database, is unready, and takes it up once it is there', async () => {
    await store.server.stop();
    const late = await store.start({ smarthostPort: sink.port, bare: true });
    await late.push(...allShards({ smarthostPort: sink.port }));
    const { status, body } = await late.readyz();
    expect(status).toBe(503);
    expect(body).toContain('the store does not take writes');
    const dialogue = await Dialogue.loggedIn(late);
    expect(await dialogue.send()).toMatch(/^452 4\.3\.1 /);
    await store.server.start();
    await waitFor(isReady(late), { what: 'readiness', timeoutMs: 20_000 });
    expect(await dialogue.send()).toMatch(/^250 /);
    expect(late.log()).not.toContain('secret');
    dialogue.close();
  }, 60_000);

  async function endSessions(): Promise<void> {
    await store.server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migosmtp-relay'",
    );
  }
});
