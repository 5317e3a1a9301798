import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Lane } from './lane.ts';

/** Transactions as they were begun, each with its calls; the first takes as long as a busy database. */
async function transactionsWith(sharers: number): Promise<string[]> {
  const begun: string[] = [];
  const lane = new Lane<string, void>({
    apartMs: 0,
    sharers: () => sharers,
    async run(calls) {
      begun.push(calls.join(''));
      if (begun.length === 1) await sleep(20);
      return calls.map(() => undefined);
    },
  });
  await Promise.all(['a', 'b', 'c', 'd'].map((call) => lane.call(call)));
  const late = [lane.call('e')];
  await turn();
  late.push(lane.call('f'));
  await Promise.all(late);
  return begun;
}

describe('calls that share transactions', () => {
  it('go at once when the last transaction is done where the database is ours alone', async () => {
    expect(await transactionsWith(1)).toEqual(['abcd', 'e', 'f']);
  });

  it('gather as long as the last one took where other processes share the database', async () => {
    expect(await transactionsWith(2)).toEqual(['abcd', 'ef']);
  });

  it('do not gather where few come', async () => {
    const begun: string[] = [];
    const run = async (calls: readonly string[]) => {
      begun.push(calls.join(''));
      await sleep(20);
      return calls.map(() => undefined);
    };
    const lane = new Lane<string, void>({ apartMs: 1_000, sharers: () => 9, run });
    const startedAt = performance.now();
    for (const call of ['a', 'b', 'c']) await lane.call(call);
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
