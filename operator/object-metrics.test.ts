import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { API_VERSION, type KubeObject } from './api/index.ts';
import { condition } from './runtime/index.ts';
import { watchObjects } from './object-metrics.ts';

const object = (reason?: string, status: 'True' | 'False' = 'True'): KubeObject<unknown, object> => ({
  apiVersion: API_VERSION,
  kind: 'SmtpAccount',
  metadata: { name: 'app' },
  spec: {},
  ...(reason && {
    status: { conditions: [{ ...condition('Ready', status, reason, ''), lastTransitionTime: '' }] },
  }),
});

test('objects are counted as they are when somebody looks', async () => {
  const registry = new Registry();
  const accounts = new Map([
    ['a', object('Ready')],
    ['b', object('Ready')],
    ['c', object('PlanExceeded', 'False')],
    ['d', object()],
  ]);
  const none = new Map<string, never>();
  watchObjects(registry, { relays: none, accounts, domains: none, plans: none, testMessages: none });
  const lines = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('migosmtp_objects{'));
  expect(await lines()).toEqual([
    'migosmtp_objects{kind="SmtpAccount",ready="True",reason="Ready"} 2',
    'migosmtp_objects{kind="SmtpAccount",ready="False",reason="PlanExceeded"} 1',
    'migosmtp_objects{kind="SmtpAccount",ready="Unknown",reason=""} 1',
  ]);
  accounts.delete('c');
  expect(await lines()).toHaveLength(2);
});
