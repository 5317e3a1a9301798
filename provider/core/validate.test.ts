import { describe, expect, it } from '@jest/globals';
import { clampPath } from './diagnostic.ts';
import type { Schema } from './schema.ts';
import { validate } from './validate.ts';
import { object, UNKNOWN, type Value } from './value.ts';

const word = { pattern: '^[a-z]+$', rule: 'must be a word' };
const schema: Schema = {
  version: 0,
  description: '',
  attributes: {
    size: { type: 'number', optional: true, check: { min: 1, max: 9, wholeNumber: true } },
    words: { type: ['set', 'string'], optional: true, check: { each: word } },
    hidden: { type: ['set', 'string'], optional: true, sensitive: true, check: { each: word } },
    ordered: { type: ['list', 'string'], optional: true, check: { each: word } },
    targets: {
      type: {
        nesting: 'set',
        attributes: { kind: { type: 'string', required: true, check: { oneOf: ['A', 'B'] } } },
      },
      optional: true,
    },
    turn: {
      type: { nesting: 'single', attributes: { interval: { type: 'string', optional: true, check: word } } },
      optional: true,
    },
    template: { type: 'string', optional: true, check: { jsonObject: true } },
    old: { type: 'string', optional: true, deprecated: 'Use words.' },
  },
  blocks: {
    login: { nesting: 'single', attributes: { user: { type: 'string', required: true, check: word } } },
  },
  rules: [
    {
      within: [],
      expression: [
        'not',
        [
          'and',
          ['has', ['get', ['variable', 'self'], 'size']],
          ['has', ['get', ['variable', 'self'], 'turn']],
        ],
      ],
      message: 'turn cannot be used with size',
    },
  ],
};

/** As Terraform gets them: the line that each leads to, and its words. */
function told(config: Record<string, Value>) {
  const found = validate(schema, object(Object.entries(config))).map(clampPath);
  return found.map(({ severity, path, detail }) => ({ severity, path, detail }));
}
const problem = (name: string, detail: string) => ({ severity: 'error', path: [{ name }], detail });

describe('a wrong value is told once, at its attribute:', () => {
  it('a number', () => {
    expect(told({ size: 12 })).toEqual([problem('size', 'size must be from 1 to 9, not 12.')]);
  });

  it('a member of an object, whose name is not told twice', () => {
    expect(told({ turn: object([['interval', '1']]) })).toEqual([
      problem('turn', 'turn.interval must be a word.'),
    ]);
  });

  it('an element of a list by its place', () => {
    expect(told({ ordered: ['a', '1'] })).toEqual([problem('ordered', 'ordered[1] must be a word.')]);
  });

  it('an element of a set by itself, as sets come in an order of their own', () => {
    expect(told({ words: ['a', '1'] })).toEqual([problem('words', 'words["1"] must be a word.')]);
    expect(told({ targets: [object([['kind', 'C']])] })).toEqual([
      problem('targets', 'targets[*].kind must be one of "A", "B", not "C".'),
    ]);
  });

  it('and never with what is sensitive', () => {
    expect(told({ hidden: ['PLANTED1'] })).toEqual([problem('hidden', 'hidden[0] must be a word.')]);
  });

  it.each(['no JSON', '[1]', 'null', '"text"'])('%s where an object as JSON belongs', (template) => {
    expect(told({ template })).toEqual([
      problem('template', 'template must be an object as JSON: jsonencode({ ... }) makes it.'),
    ]);
    expect(told({ template: '{"a":1}' })).toEqual([]);
  });

  it('in a block, where Terraform knows the line', () => {
    const path = [{ name: 'login', isBlock: true }, { name: 'user' }];
    expect(told({ login: object([['user', '1']]) })).toEqual([
      { severity: 'error', path, detail: 'login.user must be a word.' },
    ]);
  });
});

describe('a combination', () => {
  it('that is wrong is told at the first attribute of it', () => {
    const turn = object([['interval', 'a']]);
    expect(told({ size: 1, turn })).toEqual([problem('size', 'turn cannot be used with size.')]);
  });

  it('of which a part is unknown may turn out right', () => {
    expect(told({ size: 1, turn: UNKNOWN })).toEqual([]);
  });
});

it('a deprecated attribute is warned of where it is stated', () => {
  expect(told({ old: 'x' })).toEqual([
    { severity: 'warning', path: [{ name: 'old' }], detail: 'Use words.' },
  ]);
  expect(told({ old: null })).toEqual([]);
});
