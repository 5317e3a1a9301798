import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DelayHeap } from './delay-heap.ts';
import { WorkQueue } from './queue.ts';

describe('work queue', () => {
  test('a key is in it once, however often it is added', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect(queue.depth).toBe(2);
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b']);
  });

  test('a key is worked on by one worker at a time; added meanwhile, it comes back once', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(queue.depth).toBe(1);
  });

  test('changes go before what start-up and resync bring', async () => {
    const queue = new WorkQueue();
    queue.add('old', 'later');
    queue.add('raised', 'later');
    queue.add('new', 'now');
    queue.add('raised', 'now');
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['new', 'raised', 'old']);
  });

  test('a long wave of changes lets one of the others pass now and then', async () => {
    const queue = new WorkQueue();
    queue.add('look', 'later');
    queue.add('other look', 'later');
    for (let index = 0; index < 40; index++) queue.add(`change ${index}`);
    const taken: (string | undefined)[] = [];
    for (let index = 0; index < 42; index++) taken.push(await queue.take());
    expect([taken.indexOf('look'), taken.indexOf('other look')]).toEqual([15, 31]);
  });

  /** A queue with sixteen changes that are being worked on, a look that waits, and a worker that is free. */
  async function inWave() {
    const queue = new WorkQueue();
    queue.add('before', 'later');
    queue.done((await queue.take())!);
    const names = Array.from({ length: 16 }, (_, index) => `change ${index}`);
    for (const name of names.slice(0, 8)) queue.add(name);
    for (let count = 0; count < 8; count++) await queue.take();
    // The share of the looks, so that the next is not due for it.
    queue.add('share', 'later');
    await queue.take();
    for (const name of names.slice(8)) queue.add(name);
    for (let count = 0; count < 8; count++) await queue.take();
    queue.add('look', 'later');
    let taken: string | undefined;
    void queue.take().then((key) => (taken = key));
    await Promise.resolve();
    return { queue, taken: () => taken };
  }

  test('a look does not take from a wave that is being worked on, and goes when it ebbs', async () => {
    const { queue, taken } = await inWave();
    expect(taken()).toBeUndefined();
    queue.done('change 0');
    await Promise.resolve();
    expect(taken()).toBe('look');
  });

  test('nor does it wait forever for changes that never end', async () => {
    const { queue, taken } = await inWave();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 300_001);
    queue.add('another look', 'later');
    await Promise.resolve();
    clock.mockRestore();
    expect(taken()).toBe('look');
  });

  test('a worker that waits gets the next key; when the queue stops it gets none', async () => {
    const queue = new WorkQueue();
    const first = queue.take();
    const second = queue.take();
    queue.add('a');
    expect(await first).toBe('a');
    queue.stop();
    expect(await second).toBeUndefined();
    expect(await queue.take()).toBeUndefined();
  });

  test('the delay of a failing key doubles up to a limit, and starts anew after success', () => {
    const queue = new WorkQueue({ baseDelayMs: 10, maxDelayMs: 100, random: () => 0.5 });
    const delays = Array.from({ length: 6 }, () => queue.retry('a'));
    expect(delays.map(Math.round)).toEqual([10, 20, 40, 80, 100, 100]);
    expect(queue.retry('b', 5_000)).toBe(5_000);
    queue.forget('a');
    expect(Math.round(queue.retry('a'))).toBe(10);
    queue.stop();
  });

  test('idle means that nothing waits and nothing runs', async () => {
    const queue = new WorkQueue();
    let isIdle = false;
    queue.add('a');
    void queue.whenIdle().then(() => (isIdle = true));
    await queue.take();
    await Promise.resolve();
    expect(isIdle).toBe(false);
    queue.done('a');
    await Promise.resolve();
    expect(isIdle).toBe(true);
  });
});

describe('delays', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('values fire in the order in which they fall due, each once', () => {
    const fired: string[] = [];
    const heap = new DelayHeap<string>((value) => fired.push(value));
    for (const [value, delay] of [
      ['c', 300],
      ['a', 100],
      ['d', 400],
      ['b', 200],
    ] as const)
      heap.set(value, delay);
    heap.set('d', 50);
    heap.set('a', 9_000);
    jest.advanceTimersByTime(1_000);
    expect(fired).toEqual(['d', 'a', 'b', 'c']);
  });

  test('a delay that is no number keeps no other key waiting', async () => {
    const queue = new WorkQueue();
    queue.addAfter('broken', NaN);
    queue.addAfter('due', 10);
    jest.advanceTimersByTime(20);
    expect(await queue.take()).toBe('due');
    queue.stop();
  });

  test('a look that falls due waits behind changes, unless something hurries it', async () => {
    const queue = new WorkQueue();
    queue.addAfter('look', 10, 'later');
    queue.addAfter('due', 10, 'later');
    queue.addAfter('due', 500);
    jest.advanceTimersByTime(20);
    queue.add('change');
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['due', 'change', 'look']);
    queue.stop();
  });

  test('a value that was cancelled does not fire', () => {
    const fired: string[] = [];
    const heap = new DelayHeap<string>((value) => fired.push(value));
    heap.set('a', 10);
    heap.set('b', 20);
    heap.cancel('a');
    jest.advanceTimersByTime(100);
    expect(fired).toEqual(['b']);
  });

  test('a thousand values fire in order', () => {
    const fired: number[] = [];
    const heap = new DelayHeap<number>((value) => fired.push(value));
    const values = Array.from({ length: 1_000 }, (_, index) => (index * 7_919) % 1_000);
    for (const value of values) heap.set(value, value);
    jest.advanceTimersByTime(2_000);
    expect(fired).toEqual(values.toSorted((a, b) => a - b));
  });
});
