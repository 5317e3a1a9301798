import { describe, expect, it } from '@jest/globals';
import { mayHold, type Expression } from './expression.ts';
import { Unknown, UNKNOWN, type Value } from './value.ts';

const self: Expression = ['variable', 'self'];
const get = (name: string): Expression => ['get', self, name];
const has = (name: string): Expression => ['has', get(name)];

const ROWS: [sentence: string, expression: Expression, object: Record<string, Value>, holds: boolean][] = [
  ['an absent attribute is not had', has('a'), {}, false],
  ['null is not had', has('a'), { a: null }, false],
  ['an unknown attribute may be had', has('a'), { a: UNKNOWN }, true],
  ['an unknown attribute may not be had', ['not', has('a')], { a: UNKNOWN }, true],
  [
    'an unknown that is surely not null is had',
    ['not', has('a')],
    { a: new Unknown({ notNull: true }) },
    false,
  ],
  ['and is false when one side is, whatever the other', ['and', has('a'), has('b')], { a: UNKNOWN }, false],
  ['or is true when one side is, whatever the other', ['or', has('a'), has('b')], { a: 1 }, true],
  ['or of false and unknown may hold', ['or', has('a'), has('b')], { b: UNKNOWN }, true],
  ['equal compares', ['equal', get('a'), 'x'], { a: 'y' }, false],
  ['unequal with unknown may hold', ['unequal', get('a'), 'x'], { a: UNKNOWN }, true],
  ['a number is compared', ['lessOrEqual', get('a'), 1], { a: 2 }, false],
  ['a word in a list', ['in', get('a'), ['list', 'x', 'y']], { a: 'y' }, true],
  ['a word not in a list', ['in', get('a'), ['list', 'x', 'y']], { a: 'z' }, false],
  [
    'all keys of a map',
    ['all', get('m'), 'k', ['unequal', ['variable', 'k'], 'no']],
    { m: { no: 1 } },
    false,
  ],
  ['all of an unknown map may hold', ['all', get('m'), 'k', false], { m: UNKNOWN }, true],
  ['one of a list exists', ['exists', get('l'), 'i', ['equal', ['variable', 'i'], 2]], { l: [1, 2] }, true],
  ['a size is compared', ['less', ['size', get('l')], 2], { l: [1, 2] }, false],
];

describe('mayHold', () => {
  it.each(ROWS)('%s', (_sentence, expression, object, holds) => {
    expect(mayHold(expression, object)).toBe(holds);
  });
});
