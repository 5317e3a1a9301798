/** Several processes on one database, and one that is cut off from it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CutProxy, startCutProxy } from '../../../test/support/cut-proxy.ts';
import { type Postgres, startPostgres } from '../../../test/support/postgres.ts';
import { message, scopes } from '../contract.ts';
import type { ClaimedMessage, Spool } from '../types.ts';
import { openPostgresSpool } from './client.ts';
import { Connections } from './connections.ts';
import { Lease } from './lease.ts';
import { MIGRATIONS } from './schema.ts';

const LEASE_MS = 600;
const NOW = Date.parse('2025-11-21T10:15:00Z');

describe('processes on one database', () => {
  let server: Postgres;
  let folder: string;
  let proxy: CutProxy;
  let uri: string;
  let near: Spool;
  let far: Spool;

  beforeAll(async () => {
    server = await startPostgres({ settings: ['fsync=off'] });
    folder = await mkdtemp(join(tmpdir(), 'spool-lease-'));
  });

  afterAll(async () => {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** `near` is connected directly, `far` through a proxy that can cut it off. */
  beforeEach(async () => {
    uri = await server.createDatabase();
    proxy = await startCutProxy(server.port);
    near = await open('near', uri);
    far = await open('far', uri.replace(`:${server.port}/`, `:${proxy.port}/`));
  });

  afterEach(async () => {
    proxy.restore();
    await near.close();
    await far.close();
    proxy.close();
  });

  async function open(name: string, uri: string): Promise<Spool> {
    const uriFile = join(folder, name);
    await writeFile(uriFile, uri);
    const { spool, unavailable } = await openPostgresSpool({ uriFile, leaseMs: LEASE_MS });
    if (unavailable) throw unavailable;
    return spool;
  }

  async function claimed(spool: Spool, timeoutMs = 10_000): Promise<ClaimedMessage[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await spool.claim(NOW, 10).catch(() => []);
      if (found.length > 0 || Date.now() > deadline) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error('nothing was heard');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** As the relay's health does: again and again until the store works. */
  async function untilProbed(spool: Spool): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      if (
        await spool.probe(NOW).then(
          () => true,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the store does not work again');
  }

  const idOf = (message: ClaimedMessage | undefined) => message?.recipients[0]?.id ?? 0;
  const outcome = (id: number, change: object = {}) => ({
    at: NOW + 5,
    recipients: [
      { id, status: 'delivered' as const, response: '250 ok', remoteHost: 'mx', attempted: true, ...change },
    ],
  });
  const status = async () => (await near.reports({ limit: 10 })).items.map((item) => item.status);
  const used = async () => {
    const day = scopes()[0]?.windows.find(({ kind }) => kind === 'day');
    return (await near.counts([{ key: 'a:a', kind: 'day', startMs: day?.startMs ?? 0 }]))[0];
  };

  it('gives a message to one of them', async () => {
    for (let i = 0; i < 20; i++) await near.accept(message(), { scopes: [], claim: false });
    const both = await Promise.all([near.claim(NOW, 15), far.claim(NOW, 15)]);
    const ids = both.flat().map(({ queueId }) => queueId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(20);
  });

  it('frees what a process that is gone had claimed, after its lease and not before', async () => {
    await far.accept(message(), { scopes: [], claim: true });
    const goneAt = performance.now();
    proxy.cut();
    const [taken] = await claimed(near);
    expect(taken?.recipients).toHaveLength(1);
    // The last renewal was up to a third of the lease before.
    expect(performance.now() - goneAt).toBeGreaterThan((LEASE_MS * 2) / 3 - 50);
    expect(near.holds([idOf(taken)])).toBe(true);
  });

  it('keeps what a living process has claimed', async () => {
    await far.accept(message(), { scopes: [], claim: true });
    expect(await claimed(near, 3 * LEASE_MS)).toEqual([]);
  });

  it('tells a process that was away for too long that it must not begin', async () => {
    const accepted = await far.accept(message(), { scopes: [], claim: true });
    const id = accepted.kind === 'accepted' ? (accepted.claimed[0]?.id ?? 0) : 0;
    expect(far.holds([id])).toBe(true);
    proxy.cut();
    const [taken] = await claimed(near);
    expect(idOf(taken)).toBe(id);
    expect(far.holds([id])).toBe(false);
    proxy.restore();
    await far.unclaim([id]);
    // A deferral of the one that lost it must not let a third one begin.
    await far.record(outcome(id, { status: 'deferred', nextAttemptAt: NOW }));
    expect(await far.claim(NOW, 10)).toEqual([]);
    expect(await status()).toEqual(['queued']);
    await near.record(outcome(id));
    expect(await status()).toEqual(['delivered']);
  });

  it('believes a delivery whoever reports it', async () => {
    const accepted = await far.accept(message(), { scopes: [], claim: true });
    const id = accepted.kind === 'accepted' ? (accepted.claimed[0]?.id ?? 0) : 0;
    proxy.cut();
    await claimed(near);
    proxy.restore();
    await far.record(outcome(id));
    expect(await status()).toEqual(['delivered']);
  });

  it('takes back what was stored although the answer to the commit was lost, and what it was charged', async () => {
    expect(await used()).toBe(0);
    // Connections enough: what is opened from now on never gets an answer.
    await Promise.all([far.stats(), far.stats(), far.stats()]);
    proxy.swallowAnswers();
    const accepting = far.accept(message(), { scopes: scopes(), claim: true });
    accepting.catch(() => undefined);
    // It has been committed; its client is told 451.
    while ((await used()) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    proxy.restore();
    await expect(accepting).rejects.toMatchObject({ code: 'R_STORE_WRITE' });
    await untilProbed(far);
    expect(await used()).toBe(0);
    expect(await status()).toEqual([]);
    expect(await far.claim(NOW, 10)).toEqual([]);
  });

  it('is exact over all of them', async () => {
    const limit = scopes({ perDay: 10, onWindowLimit: 'Reject' });
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (i % 2 ? near : far).accept(message(), { scopes: limit, claim: false }),
      ),
    );
    expect(results.filter((result) => result.kind === 'accepted')).toHaveLength(10);
    expect(await used()).toBe(10);
  });

  it('hears of what another one let go', async () => {
    const sent = message();
    await far.accept(sent, { scopes: [], claim: false });
    const heard: number[] = [];
    far.watch({ changed: () => heard.push(1), failed: () => undefined });
    // It listens from the first call on.
    await until(() => heard.length > 0);
    heard.length = 0;
    await near.retry(sent.queueId, NOW + 1);
    await until(() => heard.length > 0);
  });

  it('know how many of them share it, as soon as they renew', async () => {
    // The two that are open already count.
    const connections = new Connections(join(folder, 'near'));
    const listeners = { onFreed: () => undefined, onFault: () => undefined };
    const third = new Lease({ connections, leaseMs: 60_000, migrations: MIGRATIONS, ...listeners });
    await third.prepare();
    expect(third.sharers).toBe(3);
    await far.close();
    await third.prepare();
    expect(third.sharers).toBe(2);
    await third.end();
    await connections.close();
  });
});
