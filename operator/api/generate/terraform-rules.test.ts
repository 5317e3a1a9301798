import { describe, expect, it } from '@jest/globals';
import { parseRule } from './terraform-rules.ts';

const upper = (name: string) => name.toUpperCase();
const self = ['variable', 'self'];

describe('parseRule', () => {
  it.each([
    ['has(self.a)', ['has', ['get', self, 'A']]],
    [
      '!has(self.a) || self.a <= 1',
      ['or', ['not', ['has', ['get', self, 'A']]], ['lessOrEqual', ['get', self, 'A'], 1]],
    ],
    [
      "self.a == 'x' && self.b != 2",
      ['and', ['equal', ['get', self, 'A'], 'x'], ['unequal', ['get', self, 'B'], 2]],
    ],
    ['self.a >= 3', ['lessOrEqual', 3, ['get', self, 'A']]],
    ["!(self.k in ['a', 'b'])", ['not', ['in', ['get', self, 'K'], ['list', 'a', 'b']]]],
    ['self.m.all(k, k != 1)', ['all', ['get', self, 'M'], 'k', ['unequal', ['variable', 'k'], 1]]],
    ['self.m.size() > 0', ['less', 0, ['size', ['get', self, 'M']]]],
    ['true', true],
  ])('%s', (cel, tree) => {
    expect(parseRule(cel, upper)).toEqual(tree);
  });

  it.each(['self.a.matches("x")', 'self.a +', 'self.a ? 1 : 2', 'has(self.a', "self.a == 'x"])(
    'stops at what it does not translate: %s',
    (cel) => {
      expect(() => parseRule(cel, upper)).toThrow('CEL');
    },
  );
});
