import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DataScanner } from './data-scanner.ts';

/** RFC 5321 section 4.5.2 a byte at a time, over the whole text. */
function reference(text: string): { content: string; rest: string | undefined } {
  let content = '';
  let isLineStart = true;
  for (let at = 0; at < text.length; at++) {
    if (isLineStart && text[at] === '.') {
      if (text.startsWith('\r\n', at + 1)) return { content, rest: text.slice(at + 3) };
      isLineStart = false;
      continue;
    }
    content += text[at];
    isLineStart = text.slice(Math.max(0, at - 1), at + 1) === '\r\n';
  }
  return { content, rest: undefined };
}

function scan(text: string, cuts: readonly number[]): { content: string; rest: string | undefined } {
  const scanner = new DataScanner();
  const bounds = [0, ...new Set(cuts.filter((cut) => cut > 0 && cut < text.length)), text.length];
  bounds.sort((a, b) => a - b);
  let content = '';
  for (const [i, from] of bounds.slice(0, -1).entries()) {
    const chunk = Buffer.from(text.slice(from, bounds[i + 1]), 'latin1');
    const scanned = scanner.feed(chunk);
    content += Buffer.concat(scanned.content).toString('latin1');
    if (scanned.end !== -1) return { content, rest: text.slice(from + scanned.end) };
  }
  return { content, rest: undefined };
}

const everywhere = (text: string) => Array.from({ length: text.length }, (_, i) => i);

describe('the end of DATA', () => {
  it.each([
    ['an empty message', '.\r\nQUIT', '', 'QUIT'],
    ['doubled dots', '..\r\n...\r\n..x\r\n.\r\n', '.\r\n..\r\n.x\r\n', ''],
    ['a dot that nobody doubled', '.x\r\n.\r\nNOOP', 'x\r\n', 'NOOP'],
    ['a bare LF before the dot', 'a\n.\r\nb\r\n.\r\n', 'a\n.\r\nb\r\n', ''],
    ['a bare CR before the dot', 'a\r.\r\nb\r\n.\r\n', 'a\r.\r\nb\r\n', ''],
    ['a bare LF after the dot', 'a\r\n.\nb\r\n.\r\n', 'a\r\n\nb\r\n', ''],
    ['a bare CR after the dot', 'a\r\n.\rb\r\n.\r\n', 'a\r\n\rb\r\n', ''],
    ['no end', 'a\r\n.', 'a\r\n', undefined],
  ])('knows %s, however it is split', (_, text, content, rest) => {
    expect(scan(text, [])).toEqual({ content, rest });
    expect(scan(text, everywhere(text))).toEqual({ content, rest });
    for (const cut of everywhere(text)) expect(scan(text, [cut])).toEqual({ content, rest });
  });

  it('agrees with a scanner that looks at each byte, for every text and split', () => {
    const text = fc
      .array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n..', 'x', '\0', '\r\n.\r\n'), {
        maxLength: 30,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (bytes, cuts) => {
        const ended = `${bytes}\r\n.\r\n`;
        expect(scan(ended, cuts)).toEqual(reference(ended));
      }),
      { numRuns: 5_000 },
    );
  });
});
