import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Decimal, fromFloat64, numberText, parseNumber } from './number.ts';

describe('parseNumber', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['007', 7],
    ['1.50', 1.5],
    ['1e3', 1000],
    ['-12E-1', -1.2],
    ['.5', 0.5],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['1e20', 100000000000000000000n],
    ['0.1', 0.1],
  ])('%s is a number', (text, expected) => {
    expect(parseNumber(text)).toBe(expected);
  });

  it('keeps every digit of what a double cannot hold', () => {
    const text = '3.14159265358979323846264338327950288419716939937510582';
    expect(parseNumber(text)).toEqual(new Decimal(text));
  });

  it.each(['', '.', 'e5', '1e', 'NaN', 'Infinity', '0x10', '1 2', '1e99999'])('refuses %j', (text) => {
    expect(() => parseNumber(text)).toThrow(RangeError);
  });

  it('reads back what numberText writes', () => {
    const anyNumber = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => parseNumber(String(value))),
      fc.bigInt().map((value) => parseNumber(value.toString())),
      fc.tuple(fc.bigInt(), fc.nat(60)).map(([mantissa, places]) => parseNumber(`${mantissa}e-${places}`)),
    );
    fc.assert(
      fc.property(anyNumber, (value) => {
        expect(parseNumber(numberText(value))).toEqual(value);
      }),
    );
  });
});

describe('fromFloat64', () => {
  it('tells the exact binary value from the decimal that is written the same', () => {
    expect(fromFloat64(0.5)).toBe(0.5);
    expect(fromFloat64(0.1)).toEqual(
      new Decimal('0.1000000000000000055511151231257827021181583404541015625'),
    );
  });

  it('names a value that rounds back to the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(numberText(fromFloat64(value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});
