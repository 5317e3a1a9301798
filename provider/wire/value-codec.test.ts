import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  Decimal,
  Dynamic,
  numberText,
  object,
  parseNumber,
  Unknown,
  UNKNOWN,
  type Type,
  type Value,
} from '../core/index.ts';
import { fromJson, parseJson } from './json-codec.ts';
import { decodeValue, encodeValue } from './value-codec.ts';

/** A type together with values of it, unknown and null ones among them. */
interface Sample {
  type: Type;
  value: Value;
}

const refinements = fc.record(
  {
    notNull: fc.constant(true),
    prefix: fc.string({ unit: 'grapheme', minLength: 1 }),
    lower: fc.record({ value: fc.integer(), inclusive: fc.boolean() }),
    upper: fc.record({ value: fc.integer(), inclusive: fc.boolean() }),
    minLength: fc.nat(),
    maxLength: fc.nat(),
  },
  { requiredKeys: [] },
);
const unknown = refinements.map((found) => (Object.keys(found).length === 0 ? UNKNOWN : new Unknown(found)));

const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).map((value) => (Number.isFinite(value) ? parseNumber(String(value)) : value)),
  fc.bigInt().map((value) => parseNumber(value.toString())),
  fc.tuple(fc.bigInt(), fc.nat(80)).map(([mantissa, places]) => parseNumber(`${mantissa}e-${places}`)),
);

const scalar: fc.Arbitrary<Sample> = fc.oneof(
  fc.string({ unit: 'binary' }).map((value): Sample => ({ type: 'string', value: wellFormed(value) })),
  fc.boolean().map((value): Sample => ({ type: 'bool', value })),
  numbers.map((value): Sample => ({ type: 'number', value })),
);

/** Lone surrogates cannot be UTF-8: they become replacement characters on the wire. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

const { sample } = fc.letrec<{ sample: Sample }>((tie) => {
  const elements = fc.array(tie('sample'), { maxLength: 20 });
  const composite = elements.chain((items): fc.Arbitrary<Sample> => {
    const names = items.map((_, index) => `m${index}`);
    const first = items[0] ?? { type: 'string' as const, value: 'x' };
    return fc.constantFrom<Sample>(
      { type: ['tuple', items.map(({ type }) => type)], value: items.map(({ value }) => value) },
      {
        type: ['object', Object.fromEntries(items.map(({ type }, index) => [names[index] ?? '', type]))],
        value: object(items.map(({ value }, index) => [names[index] ?? '', value])),
      },
      { type: ['list', first.type], value: items.map(() => first.value) },
      {
        type: ['map', first.type],
        value: object([
          ['__proto__', first.value],
          ['ключ', first.value],
        ]),
      },
      ...(isConcrete(first.value)
        ? [{ type: 'dynamic' as const, value: new Dynamic(first.type, first.value) }]
        : []),
    );
  });
  const present = fc.oneof({ maxDepth: 3 }, scalar, composite);
  return {
    sample: fc.oneof(
      { weight: 8, arbitrary: present },
      { weight: 1, arbitrary: present.map(({ type }) => ({ type, value: null })) },
      { weight: 1, arbitrary: fc.tuple(present, unknown).map(([{ type }, value]) => ({ type, value })) },
    ),
  };
});

function isConcrete(value: Value): boolean {
  return value !== null && !(value instanceof Unknown);
}

describe('values on the wire', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(sample, ({ type, value }) => {
        expect(decodeValue(encodeValue(value, type), type)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Type, string, Value]>([
    ['an unknown value', 'string', 'd40000', UNKNOWN],
    ['an unknown value of a kind to come', 'string', 'd563abcd', UNKNOWN],
    ['an unknown value that is not null', 'string', 'c7030c8101c2', new Unknown({ notNull: true })],
    ['a refinement that is not known yet', 'string', 'c7030c8163c3', UNKNOWN],
    ['a small number', 'number', '07', 7],
    ['a negative number', 'number', 'ff', -1],
    ['an unsigned 64-bit number', 'number', 'cfffffffffffffffff', 2n ** 64n - 1n],
    ['a double', 'number', 'cb3fe0000000000000', 0.5],
    ['a single', 'number', 'ca3f000000', 0.5],
    ['a number as text', 'number', 'a3302e31', 0.1],
    ['text of 8-bit length', 'string', `d920${'61'.repeat(32)}`, 'a'.repeat(32)],
  ])('%s is read', (_name, type, hex, value) => {
    expect(decodeValue(Buffer.from(hex, 'hex'), type)).toEqual(value);
  });

  it('writes one tenth so that it equals the 0.1 of a configuration', () => {
    expect(Buffer.from(encodeValue(0.1, 'number')).toString('hex')).toBe('a3302e31');
  });

  it('writes whole numbers as text too, so that Terraform holds them as those of its state', () => {
    expect(Buffer.from(encodeValue(500, 'number')).toString('hex')).toBe('a3353030');
  });

  it('never crash the reader, whatever the bytes', () => {
    const types: Type[] = ['dynamic', ['map', 'number'], ['list', ['object', { a: 'string' }]]];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...types), (bytes, type) => {
        try {
          decodeValue(bytes, type);
        } catch (cause) {
          expect(['MalformedError', 'Error', 'RangeError', 'SyntaxError', 'TypeError']).toContain(
            (cause as Error).constructor.name,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('announce no more elements than there are bytes', () => {
    expect(() => decodeValue(Buffer.from('ddffffffff', 'hex'), ['list', 'string'])).toThrow('count beyond');
  });

  it('name no value in an error', () => {
    expect(() => encodeValue('hunter2', 'number')).toThrow(/^a string does not fit type "number"$/);
  });
});

describe('state as JSON', () => {
  it('keeps every digit', () => {
    const text =
      '{"small":1,"big":12345678901234567890,"exact":0.1000000000000000055511151231257827,"text":"1.5e3"}';
    const type: Type = [
      'object',
      { small: 'number', big: 'number', exact: 'number', text: 'string', none: 'bool' },
    ];
    expect(fromJson(parseJson(Buffer.from(text)), type)).toEqual({
      small: 1,
      big: 12345678901234567890n,
      exact: new Decimal('0.1000000000000000055511151231257827'),
      text: '1.5e3',
      none: null,
    });
  });

  it('reads numbers as they were written', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        fc.pre(typeof value !== 'number' || Number.isFinite(value));
        const json = Buffer.from(`{"n":${numberText(value)}}`);
        expect(fromJson(parseJson(json), ['object', { n: 'number' }])).toEqual({ n: value });
        const list = Buffer.from(`[1, ${numberText(value)}]`);
        expect(fromJson(parseJson(list), ['list', 'number'])).toEqual([1, value]);
      }),
    );
  });

  it('that is none is told without its text', () => {
    expect(() => parseJson(Buffer.from('{"password":hunter2}'))).toThrow(/^not valid JSON$/);
  });
});
