/** What every store must do: one set of tests, run for each implementation. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Account, Calendar, type ChargeScope, chargeScopes, type Workspace } from '../policy/index.ts';
import { itKeepsBounces } from './contract-bounces.ts';
import type { AcceptResult, BodyRange, DsnRequest, NewMessage, Outcome, Spool } from './types.ts';

export interface Implementation {
  open(): Promise<Spool>;
  /** Ends the process' hold without closing, as a crash would, and opens again. */
  reopen(): Promise<Spool>;
  cleanUp(): Promise<void>;
}

const NOW = Date.parse('2025-11-21T10:15:00Z');
const LIFETIME = 1_000_000;
let counter = 0;

export function message(change: Partial<NewMessage> = {}): NewMessage {
  counter++;
  return {
    queueId: `Q${counter}`,
    messageId: `<${counter}@x>`,
    kind: 'submission',
    accountId: 'a',
    namespace: 'shop',
    account: 'checkout',
    username: 'u',
    verifier: 'r1',
    envelopeFrom: 'hello@shop.example',
    signingDomain: 'shop.example',
    headerSize: 4,
    size: 8,
    eightBit: false,
    smtpUtf8: false,
    acceptedAt: NOW,
    recipients: ['x@example.com'],
    body: { kind: 'inline', data: Buffer.from(`body ${counter}`) },
    lifetimeMs: LIFETIME,
    ...change,
  };
}

export function scopes(
  limits: Partial<Account['limits']> = {},
  workspace: Partial<Workspace> = {},
  id = 'a',
): ChargeScope[] {
  const account: Account = {
    id,
    namespace: 'shop',
    name: 'checkout',
    username: 'u',
    verifiers: [],
    allowedSenders: [],
    limits: { onWindowLimit: 'Queue', ...limits },
    suspended: false,
  };
  const plan: Workspace = {
    namespace: 'shop',
    timeZone: 'UTC',
    onWindowLimit: 'Queue',
    onMonthLimit: 'Reject',
    ...workspace,
  };
  return chargeScopes(account, plan, { calendar: new Calendar(), nowMs: NOW });
}

function kinds(results: readonly AcceptResult[]): string[] {
  return results.map((result) => (result.kind === 'refuse' ? 'refused' : result.held ? 'held' : 'sent'));
}

export function describeSpool(name: string, implementation: Implementation): void {
  describe(`store: ${name}`, () => {
    let spool: Spool;

    beforeEach(async () => {
      spool = await implementation.open();
    });

    afterEach(async () => {
      await spool.close();
      await implementation.cleanUp();
    });

    const used = async (kind: string, key = 'a:a') => {
      const window = scopes()
        .find((scope) => scope.key === key)
        ?.windows.find((entry) => entry.kind === kind);
      return (await spool.counts([{ key, kind, startMs: window?.startMs ?? 0 }]))[0];
    };
    const large = async (name: string, range?: BodyRange) => {
      const parts: Uint8Array[] = [];
      for await (const part of spool.readLarge(name, range)) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    const statuses = async () =>
      (await spool.reports({ limit: 100 })).items.map((item) => item.status).toSorted();
    const record = (
      outcome: Partial<Outcome['recipients'][number]> & { id: number },
      change: Partial<Outcome> = {},
    ) =>
      spool.record({
        at: NOW + 5,
        recipients: [
          { status: 'delivered', response: '250 ok', remoteHost: 'mx', attempted: true, ...outcome },
        ],
        ...change,
      });

    it('keeps what was asked of delivery notifications, and nothing where nothing was', async () => {
      const dsn: DsnRequest = {
        ret: 'HDRS',
        envid: 'order 17',
        recipients: {
          'x@example.com': { notify: ['SUCCESS', 'FAILURE'], orcpt: 'rfc822;X@example.com' },
          'y@example.com': { notify: null, orcpt: null },
        },
      };
      await spool.accept(message({ recipients: ['x@example.com', 'y@example.com'], dsn }), {
        scopes: scopes(),
        claim: false,
      });
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const claimed = await spool.claim(NOW, 10);
      expect(claimed.map((entry) => entry.dsn)).toEqual([dsn, undefined]);
    });

    it('keeps what was accepted over a crash, body and recipients, and lets it be claimed once', async () => {
      const sent = message({ recipients: ['x@example.com', 'y@example.com'] });
      await spool.accept(sent, { scopes: scopes(), claim: true });
      expect(await spool.claim(NOW, 10)).toEqual([]);
      spool = await implementation.reopen();
      const [claimed, ...others] = await spool.claim(NOW, 10);
      expect(others).toEqual([]);
      expect(claimed).toMatchObject({ queueId: sent.queueId, envelopeFrom: sent.envelopeFrom });
      expect(claimed?.recipients.map((recipient) => recipient.address)).toEqual(sent.recipients);
      expect(await spool.claim(NOW, 10)).toEqual([]);
      const body = await spool.readBody(sent.queueId);
      expect(body?.kind === 'inline' && Buffer.from(body.data)).toEqual(
        sent.body.kind === 'inline' && sent.body.data,
      );
    });

    it('charges recipients to every window, and refuses all or none', async () => {
      await spool.accept(message({ recipients: ['x@x', 'y@x'] }), { scopes: scopes(), claim: false });
      expect(await Promise.all(['minute', 'hour', 'day', 'month'].map((kind) => used(kind)))).toEqual([
        2, 2, 2, 2,
      ]);
      expect(await used('day', 'w:shop')).toBe(2);
      const limit = scopes({ perHour: 3, onWindowLimit: 'Reject' });
      const refused = await spool.accept(message({ recipients: ['x@x', 'y@x'] }), {
        scopes: limit,
        claim: false,
      });
      expect(refused).toMatchObject({ kind: 'refuse', limit: 3, window: 'hour' });
      expect(await used('hour')).toBe(2);
      expect(await spool.accept(message(), { scopes: limit, claim: false })).toMatchObject({
        exhausted: true,
      });
      expect(await spool.decide(limit, 1)).toMatchObject({ kind: 'refuse' });
    });

    it('is exact over calls that share a transaction, and after a crash', async () => {
      const limit = scopes({ perDay: 10, onWindowLimit: 'Reject' });
      const all = await Promise.all(
        Array.from({ length: 100 }, () => spool.accept(message(), { scopes: limit, claim: false })),
      );
      expect(kinds(all).filter((kind) => kind === 'sent')).toHaveLength(10);
      spool = await implementation.reopen();
      expect(await used('day')).toBe(10);
      expect(kinds([await spool.accept(message(), { scopes: limit, claim: false })])).toEqual(['refused']);
    });

    it('fails one bad call of a transaction and keeps the others', async () => {
      const twice = message();
      const results = await Promise.allSettled([
        spool.accept(twice, { scopes: scopes(), claim: true }),
        spool.accept(message({ queueId: twice.queueId }), { scopes: scopes(), claim: true }),
        spool.accept(message(), { scopes: scopes(), claim: true }),
      ]);
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await used('day')).toBe(2);
      expect(await statuses()).toEqual(['queued', 'queued']);
    });

    it('records outcomes for each recipient and drops the body with the last one', async () => {
      const sent = message({ recipients: ['x@x', 'y@x'] });
      await spool.accept(sent, { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      const [x, y] = claimed?.recipients ?? [];
      if (!x || !y) throw new Error('two recipients');
      await record({ id: x.id });
      await record({ id: y.id, status: 'deferred', response: '451 later', nextAttemptAt: NOW + 50 });
      expect(await spool.nextDue()).toBe(NOW + 50);
      expect(await spool.claim(NOW + 49, 10)).toEqual([]);
      const [again] = await spool.claim(NOW + 50, 10);
      expect(again?.recipients).toEqual([{ ...y, attempts: 1 }]);
      await record({ id: y.id, status: 'bounced', response: '550 no' });
      expect(await statuses()).toEqual(['bounced', 'delivered']);
      expect(await spool.nextDue()).toBeNull();
      expect(await spool.readBody(sent.queueId)).toBeNull();
    });

    it('stores a bounce together with the outcome that caused it', async () => {
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      const notification = message({ kind: 'dsn', envelopeFrom: '', recipients: ['hello@shop.example'] });
      await record({ id: claimed?.recipients[0]?.id ?? 0, status: 'bounced' }, { notification });
      expect((await spool.claim(NOW, 10)).map((found) => found.kind)).toEqual(['dsn']);
      expect(await used('day')).toBe(1);
    });

    it('gives back what was claimed and not tried', async () => {
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      await spool.unclaim(claimed?.recipients.map(({ id }) => id) ?? []);
      expect(await spool.claim(NOW, 10)).toHaveLength(1);
    });

    it('holds overflow, paid by the month, and releases one of each account in turn', async () => {
      const limit = (id: string) => scopes({}, { perHour: 1, maxHeld: 5 }, id);
      const send = (accountId: string) =>
        spool.accept(message({ accountId }), { scopes: limit(accountId), claim: true });
      const results = [
        await send('a'),
        await send('a'),
        await send('a'),
        await send('a'),
        await send('b'),
        await send('b'),
        await send('b'),
      ];
      expect(kinds(results)).toEqual(['sent', 'held', 'held', 'held', 'held', 'held', 'refused']);
      expect(await used('month', 'w:shop')).toBe(6);
      expect(await used('hour', 'w:shop')).toBe(1);
      expect(await spool.counts([{ key: 'w:shop', kind: 'held', startMs: 0 }])).toEqual([5]);
      const groups = (perHour: number) =>
        ['a', 'b'].map((accountId) => ({ accountId, scopes: scopes({}, { perHour }, accountId) }));
      expect(await spool.release(groups(1), NOW + 100)).toBe(0);
      expect(await spool.release(groups(3), NOW + 100)).toBe(2);
      const released = await spool.claim(NOW + 100, 10);
      expect(released.map(({ accountId }) => accountId).toSorted()).toEqual(['a', 'b']);
      expect(released[0]?.recipients[0]?.expiresAt).toBe(NOW + LIFETIME + 100);
      expect(await spool.heldGroups()).toEqual(
        expect.arrayContaining([
          { accountId: 'a', namespace: 'shop', count: 2 },
          { accountId: 'b', namespace: 'shop', count: 1 },
        ]),
      );
      expect(await used('month', 'w:shop')).toBe(6);
      expect(await spool.stats()).toMatchObject({ held: 3 });
    });

    it('holds the mail of suspended accounts, over a crash, but not what is being delivered', async () => {
      await spool.accept(message(), { scopes: scopes(), claim: true });
      await spool.accept(message(), { scopes: scopes(), claim: false });
      await spool.accept(message({ accountId: 'b' }), { scopes: scopes({}, {}, 'b'), claim: false });
      await spool.setSuspended(['a'], NOW + 1);
      expect(await statuses()).toEqual(['held', 'queued', 'queued']);
      expect((await spool.claim(NOW + 1, 10)).map(({ accountId }) => accountId)).toEqual(['b']);
      spool = await implementation.reopen();
      await spool.setSuspended([], NOW + 11);
      expect(await statuses()).toEqual(['queued', 'queued', 'queued']);
      expect(await spool.claim(NOW + 11, 10)).toHaveLength(3);
    });

    it('retries and cancels by queue id', async () => {
      const sent = message();
      await spool.accept(sent, { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      await record({ id: claimed?.recipients[0]?.id ?? 0, status: 'deferred', nextAttemptAt: NOW + 9_999 });
      expect(await spool.retry(sent.queueId, NOW + 6)).toBe(true);
      expect(await spool.claim(NOW + 6, 10)).toHaveLength(1);
      expect(await spool.cancel(sent.queueId, NOW + 7)).toBe(true);
      expect(await spool.cancel(sent.queueId, NOW + 8)).toBe(false);
      expect(await spool.retry('unknown', NOW)).toBe(false);
      expect(await spool.retryAll(NOW)).toBe(0);
      // The attempt that was under way ends after the cancellation: the report stays as it was answered.
      await record({ id: claimed?.recipients[0]?.id ?? 0 });
      expect(await statuses()).toEqual(['cancelled']);
    });

    it('makes all that waits due at once', async () => {
      await spool.accept(message({ recipients: ['x@x', 'y@x'] }), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      for (const { id } of claimed?.recipients ?? []) {
        await record({ id, status: 'deferred', nextAttemptAt: NOW + 9_999 });
      }
      expect(await spool.retryAll(NOW + 6)).toBe(2);
      expect(await spool.claim(NOW + 6, 10)).toHaveLength(1);
    });

    it('pages and filters reports, newest first', async () => {
      for (let i = 0; i < 5; i++) {
        const change = i === 2 ? { account: 'other', messageId: '<wanted@x>' } : {};
        await spool.accept(message({ recipients: [`r${i}@x`], ...change }), {
          scopes: scopes(),
          claim: false,
        });
      }
      const first = await spool.reports({ limit: 2 });
      const second = await spool.reports({ limit: 2, cursor: first.next ?? '' });
      const third = await spool.reports({ limit: 2, cursor: second.next ?? '' });
      const order = [first, second, third].flatMap((page) => page.items.map((item) => item.recipient));
      expect(order).toEqual(['r4@x', 'r3@x', 'r2@x', 'r1@x', 'r0@x']);
      expect(third.next).toBeNull();
      const found = async (filter: object) => (await spool.reports({ limit: 10, ...filter })).items.length;
      expect(await found({ account: 'other' })).toBe(1);
      expect(await found({ messageId: '<wanted@x>' })).toBe(1);
      expect(await found({ recipient: 'r1@x', namespace: 'shop' })).toBe(1);
      expect(await found({ status: 'delivered' })).toBe(0);
      expect(await found({ queuedOnly: true })).toBe(5);
    });

    it('remembers last logins, never an earlier one over a later', async () => {
      await spool.recordLogins([
        { accountId: 'a', verifier: 'r1', at: 5 },
        { accountId: 'a', verifier: 'r2', at: 7 },
      ]);
      await spool.recordLogins([{ accountId: 'a', verifier: 'r1', at: 3 }]);
      spool = await implementation.reopen();
      expect(await spool.lastLogins()).toEqual([
        { accountId: 'a', verifier: 'r1', at: 5 },
        { accountId: 'a', verifier: 'r2', at: 7 },
      ]);
    });

    it('sweeps what is finished and old, and nothing else', async () => {
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      await record({ id: claimed?.recipients[0]?.id ?? 0 });
      await spool.accept(message(), { scopes: scopes(), claim: false });
      expect(await spool.sweep(NOW, NOW)).toBe(0);
      expect(await spool.sweep(NOW + 1, NOW + 1)).toBe(1);
      expect(await statuses()).toEqual(['queued']);
      expect(await used('month')).toBe(2);
    });

    it('writes large bodies as they arrive, keeps them over a crash and leaves none behind', async () => {
      const sent = message({ queueId: 'LARGE' });
      const writer = await spool.openBody('LARGE');
      for (const part of ['one ', 'two ', 'three']) await writer.write(Buffer.from(part));
      await spool.accept({ ...sent, body: await writer.finish() }, { scopes: scopes(), claim: false });
      const orphan = await spool.openBody('ORPHAN');
      await orphan.write(Buffer.from('never accepted'));
      await orphan.abort();
      spool = await implementation.reopen();
      expect(await spool.readBody('LARGE')).toEqual({ kind: 'file', name: 'LARGE' });
      expect(await large('LARGE')).toBe('one two three');
      expect(await large('LARGE', { start: 2, end: 6 })).toBe('e tw');
      expect(await large('LARGE', { start: 4 })).toBe('two three');
      const [claimed] = await spool.claim(NOW, 10);
      await record({ id: claimed?.recipients[0]?.id ?? 0 });
      await expect(large('LARGE')).rejects.toThrow('LARGE');
      await expect(large('ORPHAN')).rejects.toThrow('ORPHAN');
    });

    it('reads a body of many parts, from any place', async () => {
      const parts = Array.from({ length: 40 }, (_, i) => String(i % 10).repeat(30_000));
      const writer = await spool.openBody('PARTS');
      for (const part of parts) await writer.write(Buffer.from(part));
      const sent = message({ queueId: 'PARTS' });
      await spool.accept({ ...sent, body: await writer.finish() }, { scopes: scopes(), claim: false });
      const whole = parts.join('');
      expect((await large('PARTS')) === whole).toBe(true);
      for (const range of [
        { start: 262_143, end: 262_145 },
        { start: 540_000, end: 541_000 },
        { start: 1_199_990 },
      ]) {
        expect(await large('PARTS', range)).toBe(whole.slice(range.start, range.end));
      }
    });

    it('holds what it claimed until it is recorded or given back', async () => {
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      expect(spool.holds(claimed?.recipients.map(({ id }) => id) ?? [])).toBe(true);
    });

    it('puts events into the outbox with the report that changes, once, and keeps them until they are settled', async () => {
      const event = (id: string) => ({ id, endpoint: 'crm', body: '{"type":"x"}', at: NOW + 5 });
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const [claimed] = await spool.claim(NOW, 10);
      const id = claimed?.recipients[0]?.id ?? 0;
      await record({ id, events: [event('e1')] });
      // The report is closed: what comes later tells nothing.
      await record({ id, events: [event('late')] });
      await spool.addEvents([event('e2'), event('e2'), { ...event('e2'), endpoint: 'other' }]);
      expect(await spool.eventStats()).toEqual({ waiting: 3, nextDueAt: NOW + 5 });
      spool = await implementation.reopen();
      expect(await spool.claimEvents(NOW + 4, NOW + 90, 10)).toEqual([]);
      const taken = await spool.claimEvents(NOW + 5, NOW + 90, 10);
      const names = taken.map((found) => `${found.id} ${found.endpoint} ${found.attempts}`);
      expect(names.toSorted()).toEqual(['e1 crm 1', 'e2 crm 1', 'e2 other 1']);
      expect(taken[0]).toMatchObject({ body: '{"type":"x"}', at: NOW + 5 });
      expect(await spool.claimEvents(NOW + 89, NOW + 200, 10)).toEqual([]);
      await spool.settleEvent(taken[0]?.row ?? 0, null);
      await spool.settleEvent(taken[1]?.row ?? 0, NOW + 50);
      const again = await spool.claimEvents(NOW + 50, NOW + 300, 10);
      expect(again.map((found) => [found.row, found.attempts])).toEqual([[taken[1]?.row, 2]]);
      expect(await spool.claimEvents(NOW + 90, NOW + 300, 10)).toHaveLength(1);
      expect(await spool.eventStats()).toEqual({ waiting: 2, nextDueAt: NOW + 300 });
    });

    it('tells how long the oldest waits, and since when it is due, in work or not', async () => {
      const empty = { queued: 0, held: 0, oldestAcceptedAt: null, oldestDueAt: null };
      expect(await spool.stats()).toEqual(empty);
      await spool.accept(message({ acceptedAt: NOW - 100 }), { scopes: scopes(), claim: false });
      await spool.accept(message(), { scopes: scopes(), claim: false });
      const both = { queued: 2, held: 0, oldestAcceptedAt: NOW - 100 };
      expect(await spool.stats()).toEqual({ ...both, oldestDueAt: NOW - 100 });
      const [first] = await spool.claim(NOW, 1);
      expect(await spool.stats()).toEqual({ ...both, oldestDueAt: NOW - 100 });
      await record({ id: first?.recipients[0]?.id ?? 0, status: 'deferred', nextAttemptAt: NOW + 50 });
      expect(await spool.stats()).toEqual({ ...both, oldestDueAt: NOW });
    });

    itKeepsBounces({
      spool: () => spool,
      reopen: async () => {
        spool = await implementation.reopen();
      },
      message,
      now: NOW,
    });

    it('refuses calls once it is closed', async () => {
      await spool.close();
      await expect(spool.probe(NOW)).rejects.toMatchObject({ code: 'R_STORE_CLOSED' });
      spool = await implementation.reopen();
    });
  });
}
