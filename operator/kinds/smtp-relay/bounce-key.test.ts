import { expect, test } from '@jest/globals';
import { relayApi } from '../../api/index.ts';
import { withBounceKey, withoutBounceKey } from './bounce-key.ts';

const settings = (bounces: relayApi.RelaySettings['bounces']): relayApi.RelaySettings => ({
  hostname: 'mail.example',
  delivery: { mode: 'direct' },
  bounces,
  messageLimits: { maxSize: 1, maxRecipients: 1 },
  retention: { reportsSeconds: 1 },
});
const on = settings({ enabled: true });
const off = settings({ enabled: false });

test('a key is drawn with bounces, another for each relay, and the relay takes it', () => {
  const written = relayApi.relaySettingsSchema.parse(withBounceKey(on, undefined));
  expect(Buffer.from(written.bounces.key ?? '', 'base64')).toHaveLength(32);
  expect(withBounceKey(on, undefined).bounces.key).not.toBe(written.bounces.key);
  expect(withBounceKey(off, undefined)).toEqual(off);
});

test('a key that is there stays, also while bounces are off', () => {
  const written = withBounceKey(on, undefined);
  const paused = withBounceKey(off, written);
  expect(paused.bounces).toEqual({ enabled: false, key: written.bounces.key });
  expect(withBounceKey(on, paused)).toEqual(written);
});

test('what was written is as wanted once it has its key, and not before', () => {
  expect(withoutBounceKey(withBounceKey(on, undefined))).toEqual(on);
  expect(withoutBounceKey(on)).toBeUndefined();
  expect(withoutBounceKey(off)).toEqual(off);
  expect(withoutBounceKey(undefined)).toBeUndefined();
});
