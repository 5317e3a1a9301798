import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { bool, bytes, integer, many, mapOf, message, one, string } from './protobuf.ts';

const inner = message({ name: one(1, string), count: one(2, integer) });
const outer = message({
  text: one(1, string),
  flag: one(2, bool),
  raw: one(3, bytes),
  list: many(4, inner),
  map: mapOf(5, inner),
  number: one(16, integer),
});

describe('message', () => {
  it('reads what it writes', () => {
    const innerValue = fc.record({ name: fc.string({ unit: 'grapheme' }), count: fc.maxSafeInteger() });
    const value = fc.record(
      {
        text: fc.string({ unit: 'grapheme' }),
        flag: fc.boolean(),
        raw: fc.uint8Array().map((data) => Buffer.from(data)),
        list: fc.array(innerValue, { minLength: 1 }),
        map: fc.dictionary(fc.stringMatching(/^[a-z]+$/), innerValue, { minKeys: 1, noNullPrototype: true }),
        number: fc.maxSafeInteger(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(value, (given) => {
        expect(outer.decode(outer.encode(given))).toEqual(given);
      }),
    );
  });

  it('has the bytes of the specification', () => {
    expect(Buffer.from(outer.encode({ number: 150, text: 'testing' })).toString('hex')).toBe(
      '0a0774657374696e6780019601',
    );
    expect(Buffer.from(inner.encode({ count: -1 })).toString('hex')).toBe('10ffffffffffffffffff01');
  });

  it('passes over fields that it does not know, of every wire type', () => {
    const foreign = Buffer.from('98060aa1060102030405060708aa0603616263ad0601020304', 'hex');
    expect(inner.decode(Buffer.concat([foreign, inner.encode({ name: 'a' })]))).toEqual({ name: 'a' });
  });

  it('refuses what ends early', () => {
    expect(() => inner.decode(Buffer.from('0a05616263', 'hex'))).toThrow('ends early');
    expect(() => inner.decode(Buffer.from('10ff', 'hex'))).toThrow('malformed integer');
  });
});

describe('the length before a message', () => {
  it.each([0, 126, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
    'is right for content of %i bytes, also when nested',
    (size) => {
      const value = { list: [{ name: 'x'.repeat(size) }, { count: 2 ** 31 }, { count: 2 ** 31 - 1 }] };
      expect(outer.decode(outer.encode(value))).toEqual(value);
      const wrapper = message({ inner: one(1, outer) });
      expect(wrapper.decode(wrapper.encode({ inner: value }))).toEqual({ inner: value });
    },
  );
});
