import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, nat, property } from 'fast-check';
import { DotStuffing } from './dot-stuffing.ts';

function stuffed(...chunks: string[]): string {
  const stuffing = new DotStuffing();
  const pieces = chunks.flatMap((chunk) => stuffing.next(Buffer.from(chunk)));
  return Buffer.concat([...pieces, stuffing.end()]).toString();
}

describe('dot stuffing', () => {
  it.each([
    ['a line without a dot', 'a\r\n', 'a\r\n.\r\n'],
    ['a line end that is missing', 'a', 'a\r\n.\r\n'],
    ['nothing at all', '', '.\r\n'],
    ['a dot at the very start', '.a\r\n', '..a\r\n.\r\n'],
    ['a dot alone on its line', 'a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
    ['two dots', 'a\r\n..\r\n', 'a\r\n...\r\n.\r\n'],
    ['a dot within a line', 'a.b\r\n', 'a.b\r\n.\r\n'],
    ['dots on lines in a row', '.\r\n.\r\n', '..\r\n..\r\n.\r\n'],
  ])('handles %s', (_, content, wire) => {
    expect(stuffed(content)).toBe(wire);
  });

  it('does not depend on how the content is cut', () => {
    const lines = array(constantFrom('.', '..', '.a', 'a.', '', 'ab'), { maxLength: 8 });
    assert(
      property(lines, array(nat(40), { maxLength: 4 }), (content, cuts) => {
        const text = content.map((line) => `${line}\r\n`).join('');
        const at = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, i) => text.slice(at[i], end));
        expect(stuffed(...chunks)).toBe(stuffed(text));
      }),
    );
  });
});
