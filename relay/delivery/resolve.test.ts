import { describe, expect, it } from '@jest/globals';
import { isPrivate } from './resolve.ts';

describe('addresses that direct delivery refuses', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '224.0.0.1',
    '2002:7f00:1::',
    '64:ff9b:1::a00:1',
  ])('%s', (address) => {
    expect(isPrivate(address)).toBe(true);
  });

  it.each(['192.0.2.1', '8.8.8.8', '172.32.0.1', '2a00:db8::1', '::ffff:8.8.8.8'])(
    'but not %s',
    (address) => {
      expect(isPrivate(address)).toBe(false);
    },
  );
});
