/** What every store must do about bounces: suppression, reports that come back late. */
import { expect, it } from '@jest/globals';
import type { NewMessage, Outcome, Spool } from './types.ts';

export interface BounceContract {
  readonly spool: () => Spool;
  readonly reopen: () => Promise<void>;
  readonly message: (change?: Partial<NewMessage>) => NewMessage;
  readonly now: number;
}

export function itKeepsBounces({ spool, reopen, message, now }: BounceContract): void {
  const accept = (change: Partial<NewMessage> = {}, claim = false) =>
    spool().accept(message(change), { scopes: [], claim });
  const claimed = async (at = now) => (await spool().claim(at, 10)).flatMap(({ recipients }) => recipients);
  const record = (
    recipient: Partial<Outcome['recipients'][number]> & { id: number },
    more: Partial<Outcome> = {},
  ) =>
    spool().record({
      at: now + 5,
      recipients: [
        { status: 'delivered', response: '250 ok', remoteHost: 'mx', attempted: true, ...recipient },
      ],
      ...more,
    });
  const entry = (
    recipient: string,
    change: { namespace?: string; reason?: string; queueId?: string } = {},
  ) => ({
    namespace: 'shop',
    recipient,
    reason: '550 5.1.1 gone',
    queueId: null,
    at: now,
    ...change,
  });

  it('remembers that the sender was told of a delay', async () => {
    await accept();
    const [recipient] = await claimed();
    const deferral = { id: recipient?.id ?? 0, status: 'deferred' as const };
    await record({ ...deferral, nextAttemptAt: now + 10, delayNotified: true });
    const [again] = await claimed(now + 10);
    expect(again).toMatchObject({ delayNotified: true });
    await record({ ...deferral, nextAttemptAt: now + 20 });
    expect(await claimed(now + 20)).toMatchObject([{ delayNotified: true }]);
  });

  it('tells at accept and at claim which recipients of a workspace are suppressed', async () => {
    await accept({ recipients: ['Gone@x'], queueId: 'WAITS' });
    await spool().suppress([entry('gone@X')]);
    const direct = await accept({ recipients: ['gone@x', 'here@x'] }, true);
    expect(direct.kind === 'accepted' && direct.claimed.map(({ suppressed }) => suppressed)).toEqual([
      '550 5.1.1 gone',
      undefined,
    ]);
    const other = await accept({ recipients: ['gone@x'], namespace: 'blog' }, true);
    expect(other.kind === 'accepted' && other.claimed[0]).not.toHaveProperty('suppressed');
    const own = await accept({ recipients: ['gone@x'], kind: 'dsn' }, true);
    expect(own.kind === 'accepted' && own.claimed[0]).not.toHaveProperty('suppressed');
    await reopen();
    expect((await claimed()).filter(({ suppressed }) => suppressed !== undefined)).toHaveLength(2);
  });

  it('suppresses together with the outcome, and lists, filters, pages and removes', async () => {
    await accept();
    const [recipient] = await claimed();
    const suppress = [entry('a@x', { queueId: 'Q' })];
    await record({ id: recipient?.id ?? 0, status: 'bounced' }, { suppress });
    await spool().suppress([entry('b@x'), entry('c@x', { namespace: 'blog' })]);
    await spool().suppress([entry('B@x', { reason: 'changed' })]);
    const all = await spool().suppressions({ limit: 10 });
    expect(all.items.map((item) => item.recipient)).toEqual(['c@x', 'b@x', 'a@x']);
    expect(all.items[1]?.reason).toBe('changed');
    expect(all.items[2]).toMatchObject({ queueId: 'Q', at: new Date(now).toISOString() });
    const first = await spool().suppressions({ limit: 2 });
    const second = await spool().suppressions({ limit: 2, cursor: first.next ?? '' });
    expect([...first.items, ...second.items]).toEqual(all.items);
    expect(second.next).toBeNull();
    const found = async (filter: object) =>
      (await spool().suppressions({ limit: 10, ...filter })).items.length;
    expect(await found({ namespace: 'shop' })).toBe(2);
    expect(await found({ namespace: 'shop', recipient: 'A@x' })).toBe(1);
    expect(await found({ namespace: 'blog', recipient: 'a@x' })).toBe(0);
    expect(await spool().unsuppress('blog', 'a@x')).toBe(false);
    expect(await spool().unsuppress('shop', 'A@x')).toBe(true);
    expect(await found({ namespace: 'shop' })).toBe(1);
  });

  it('turns delivered into bounced once, with the notification and the suppression of that moment', async () => {
    await accept({ queueId: 'LATE', recipients: ['x@x'] });
    const [recipient] = await claimed();
    const recipientId = recipient?.id ?? 0;
    const notification = message({ kind: 'dsn', envelopeFrom: '', queueId: 'NOTE' });
    const suppress = [entry('x@x')];
    const late = {
      queueId: 'LATE',
      recipientId,
      at: now + 9,
      response: '550 5.1.1 gone',
      suppress,
      notification,
    };
    expect(await spool().recordLateBounce(late)).toBe(false);
    await record({ id: recipientId });
    expect(await spool().recordLateBounce({ ...late, queueId: 'OTHER' })).toBe(false);
    expect(await spool().findRecipient('OTHER', recipientId)).toBeNull();
    expect(await spool().findRecipient('LATE', recipientId)).toMatchObject({
      message: { queueId: 'LATE', envelopeFrom: 'hello@shop.example' },
      address: 'x@x',
      status: 'delivered',
      attempts: 1,
    });
    expect(await spool().recordLateBounce(late)).toBe(true);
    expect(await spool().recordLateBounce(late)).toBe(false);
    const [report] = (await spool().reports({ limit: 10, queueId: 'LATE' })).items;
    expect(report).toMatchObject({ status: 'bounced', response: '550 5.1.1 gone', attempts: 1 });
    expect((await spool().claim(now + 9, 10)).map(({ queueId }) => queueId)).toEqual(['NOTE']);
    expect((await spool().suppressions({ limit: 10 })).items).toHaveLength(1);
  });
}
