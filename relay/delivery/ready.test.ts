import { describe, expect, it } from '@jest/globals';
import type { ClaimedMessage } from '../spool/index.ts';
import { Lanes } from './lanes.ts';
import { ReadyQueue } from './ready.ts';

/** `a1@x`: account a, message 1, destination x. */
const parcel = (name: string) => {
  const [queueId = '', destination = ''] = name.split('@');
  const body = { kind: 'inline', data: new Uint8Array(10) };
  const message = { accountId: queueId.charAt(0), queueId, recipients: [{}], body };
  return { message: message as unknown as ClaimedMessage, destination };
};

function queueOf(names: readonly string[]): ReadyQueue {
  const queue = new ReadyQueue();
  for (const name of names) queue.push(parcel(name));
  return queue;
}

function drain(queue: ReadyQueue, hasRoom: (destination: string) => boolean = () => true): string[] {
  const order: string[] = [];
  for (let next = queue.shift(hasRoom); next; next = queue.shift(hasRoom)) order.push(next.message.queueId);
  return order;
}

describe('ready queue', () => {
  it('serves accounts in turn, each in its own order', () => {
    expect(drain(queueOf(['a1', 'a2', 'a3', 'b1', 'c1', 'c2']))).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'c2',
      'a3',
    ]);
  });

  it('serves the destinations of an account in turn', () => {
    expect(drain(queueOf(['a1@x', 'a2@x', 'a3@y', 'a4@x']))).toEqual(['a1', 'a3', 'a2', 'a4']);
  });

  it('passes over destinations without room and keeps what waits for them', () => {
    const queue = queueOf(['a1@slow', 'a2@slow', 'a3@y', 'b1@slow', 'b2@y']);
    expect(drain(queue, (destination) => destination !== 'slow')).toEqual(['a3', 'b2']);
    expect([queue.waitingFor('slow'), queue.waitingFor('y'), queue.recipients]).toEqual([3, 0, 3]);
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2']);
  });

  it('lets one mail past a backlog of another account', () => {
    const queue = queueOf(Array.from({ length: 1_000 }, (_, i) => `a${i}`));
    queue.shift(() => true);
    queue.push(parcel('b1'));
    expect(drain(queue).indexOf('b1')).toBeLessThanOrEqual(1);
  });

  it('gives up what waits for one destination', () => {
    const queue = queueOf(['a1@slow', 'a2@y', 'b1@slow']);
    expect(queue.remove('slow').map(({ message }) => message.queueId)).toEqual(['a1', 'b1']);
    expect([queue.recipients, queue.ofAccount('a'), queue.ofAccount('b')]).toEqual([1, 1, 0]);
    expect(queue.destinations()).toEqual(['y']);
    expect(drain(queue)).toEqual(['a2']);
  });

  it('knows what it holds', () => {
    const queue = queueOf(['a1', 'a2']);
    expect([queue.recipients, queue.bytes]).toEqual([2, 20]);
    queue.shift(() => true);
    expect([queue.recipients, queue.bytes]).toEqual([1, 10]);
  });
});

describe('lanes', () => {
  it('know a destination that holds all it may and does not move', () => {
    const lanes = new Lanes();
    const limits = { total: 9, perDestination: 2 };
    const isStuck = (nowMs: number) => lanes.isStuck('x', limits, { nowMs, ms: 100 });
    lanes.enter('x', 0);
    expect(isStuck(200)).toBe(false);
    lanes.enter('x', 10);
    expect([isStuck(109), isStuck(110)]).toEqual([false, true]);
    lanes.leave('x', 120);
    lanes.enter('x', 121);
    expect(isStuck(200)).toBe(false);
  });

  it('bound what is in work for each destination and in all', () => {
    const lanes = new Lanes();
    const limits = { total: 3, perDestination: 2 };
    lanes.enter('x', 0);
    lanes.enter('x', 0);
    expect([lanes.hasRoom('x', limits), lanes.hasRoom('y', limits)]).toEqual([false, true]);
    lanes.enter('y', 0);
    expect(lanes.hasRoom('z', limits)).toBe(false);
    lanes.leave('x', 0);
    expect([lanes.hasRoom('x', limits), lanes.hasRoom('z', limits)]).toEqual([true, true]);
  });
});
