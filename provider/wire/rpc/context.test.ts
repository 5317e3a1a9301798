import { expect, test } from '@jest/globals';
import { privateFromWire, privateToWire } from './context.ts';

test('private state comes back as it went; none is no bytes at all', () => {
  expect(privateFromWire(privateToWire({ imported: true }))).toEqual({ imported: true });
  expect(privateToWire({})).toBeUndefined();
  expect(privateFromWire(undefined)).toEqual({});
});
