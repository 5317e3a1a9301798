import { describe, expect, it } from '@jest/globals';
import type { ClaimedMessage } from '../spool/index.ts';
import { ReadyQueue } from './ready.ts';

const message = (accountId: string, queueId: string) =>
  ({
    accountId,
    queueId,
    recipients: [{}],
    body: { kind: 'inline', data: new Uint8Array(10) },
  }) as unknown as ClaimedMessage;

describe('ready queue', () => {
  it('serves accounts in turn, each in its own order', () => {
    const queue = new ReadyQueue();
    for (const id of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(message(id.charAt(0), id));
    const order: string[] = [];
    for (let next = queue.shift(); next; next = queue.shift()) order.push(next.queueId);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('knows what it holds', () => {
    const queue = new ReadyQueue();
    queue.push(message('a', 'a1'));
    queue.push(message('a', 'a2'));
    expect([queue.recipients, queue.bytes]).toEqual([2, 20]);
    queue.shift();
    expect([queue.recipients, queue.bytes]).toEqual([1, 10]);
  });
});
