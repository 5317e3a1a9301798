import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseMailboxes } from './addresses.ts';

const rows: [string, string[] | undefined][] = [
  ['a@x.example', ['a@x.example']],
  ['<a@x.example>', ['a@x.example']],
  ['Shop <a@x.example>', ['a@x.example']],
  ['"Shop, Inc." <a@x.example>', ['a@x.example']],
  ['J. Doe <a@x.example>', ['a@x.example']],
  ['=?utf-8?q?Caf=C3=A9?= <a@x.example>', ['a@x.example']],
  ['[Shop] Team <a@x.example>', ['a@x.example']],
  ['a@x.example, B <b@y.example>', ['a@x.example', 'b@y.example']],
  ['a (comment (nested)) @ x.example (more)', ['a@x.example']],
  ['"a"@x.example', ['a@x.example']],
  ['first.last@x.example', ['first.last@x.example']],
  ['', undefined],
  ['Shop', undefined],
  ['<>', undefined],
  ['a@x.example b@y.example', undefined],
  ['<a@x.example> <b@y.example>', undefined],
  ['<a@x.example> trailing', undefined],
  ['Shop <a@x.example', undefined],
  ['group: a@x.example;', undefined],
  ['a@x.example,', undefined],
  ['"a@x.example" b@y.example', undefined],
  ['"a b"@x.example', undefined],
  ['a@[127.0.0.1]', undefined],
  ['<@route.example:a@x.example>', undefined],
  ['a@x@y', undefined],
  ['a..b@x.example', undefined],
  ['[a@x.example] <b@y.example>', undefined],
  ['"unclosed <a@x.example>', undefined],
  ['(unclosed a@x.example', undefined],
];

describe('mailboxes of a From header', () => {
  it.each(rows)('reads %j', (value, expected) => {
    expect(parseMailboxes(value)).toEqual(expected);
  });

  it('never throws and answers only addresses with one @ and no separators', () => {
    const piece = fc.constantFrom(
      'a',
      '@',
      '<',
      '>',
      ',',
      '"',
      '(',
      ')',
      '\\',
      '.',
      ' ',
      ':',
      ';',
      '[',
      ']',
      'x.y',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const found = parseMailboxes(pieces.join('')) ?? [];
        for (const address of found) expect(address).toMatch(/^[^@<>,"()\\\s:;[\]]+@[^@<>,"()\\\s:;[\]]+$/);
      }),
    );
  });
});
