import { expect, test } from '@jest/globals';
import type { relayApi } from '../../api/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { ensureLimits } from './limits.ts';

const limits = (perHour: number): relayApi.WorkspaceConfig => ({
  namespace: 'team',
  perHour,
  timeZone: 'UTC',
  onWindowLimit: 'Queue',
  onMonthLimit: 'Reject',
});

test.each<[string, number | undefined, number | undefined, number | undefined, string[]]>([
  ['what is missing is put, and told to who keeps them', undefined, 5, 5, ['team']],
  ['what stands is left, whatever the account knew when it was looked at', 9, 5, 9, []],
  ['nobody takes them away because there were none', 9, undefined, 9, []],
  ['without a plan nothing is put', undefined, undefined, undefined, []],
])('%s', async (_, standing, wanted, expected, told) => {
  let stands = standing === undefined ? undefined : limits(standing);
  const heard: string[] = [];
  const shards = {
    get: () => stands,
    placementOf: () => ({ shard: 3, revision: 7 }),
    put: (_kind: string, _key: string, value: relayApi.WorkspaceConfig) => {
      stands = value;
      return Promise.resolve({ shard: 3, revision: 8 });
    },
  } as unknown as RelayHandle['shards'];
  const relays = { tellLimits: (workspace: string) => void heard.push(workspace) };
  const config = wanted === undefined ? undefined : limits(wanted);
  const placement = await ensureLimits(relays, { shards }, 'team', config, { isUrgent: false });
  expect(stands?.perHour).toBe(expected);
  expect(heard).toEqual(told);
  expect(placement.revision).toBe(told.length > 0 ? 8 : 7);
});
