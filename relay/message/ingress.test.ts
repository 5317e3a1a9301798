import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Ingress, MAX_HEADER, MAX_LINE } from './ingress.ts';

function feed(text: string, chunkSize = Infinity) {
  const got = {
    headers: [] as string[],
    body: '',
    ingress: new Ingress({ onHeader: () => {}, onBody: () => {} }),
  };
  got.ingress = new Ingress({
    onHeader: (header) => got.headers.push(header),
    onBody: (chunk) => (got.body += chunk.toString('latin1')),
  });
  const bytes = Buffer.from(text, 'latin1');
  const size = Math.min(chunkSize, bytes.length || 1);
  for (let at = 0; at < bytes.length; at += size) got.ingress.write(bytes.subarray(at, at + size));
  got.ingress.end();
  return got;
}

describe('ingress', () => {
  it.each([1, 2, 3, 7, Infinity])('splits header and body in chunks of %d', (size) => {
    const got = feed('A: 1\r\nB: 2\r\n\r\nbody\r\n\r\nmore\r\n', size);
    expect(got.headers).toEqual(['A: 1\r\nB: 2\r\n']);
    expect(got.body).toBe('body\r\n\r\nmore\r\n');
    expect(got.ingress.problem).toBeUndefined();
  });

  it.each([
    ['only a header', 'A: 1\r\n', ['A: 1\r\n'], ''],
    ['a header with its empty line', 'A: 1\r\n\r\n', ['A: 1\r\n'], ''],
    ['no header', '\r\nbody\r\n', [''], 'body\r\n'],
    ['nothing', '', [''], ''],
  ])('takes %s', (_, text, headers, body) => {
    expect(feed(text, 1)).toMatchObject({ headers, body });
  });

  it.each([
    ['a bare LF', 'A: 1\r\n\r\nx\ny\r\n', 'bare-lf'],
    ['a bare LF at the start', '\nx', 'bare-lf'],
    ['a bare CR', 'A: 1\r\n\r\nx\ry\r\n', 'bare-cr'],
    ['two CR', 'A: 1\r\n\r\nx\r\r\n', 'bare-cr'],
    ['a CR at the end', 'A: 1\r\n\r\nx\r', 'bare-cr'],
    ['NUL', 'A: 1\r\n\r\nx\0y\r\n', 'nul'],
    ['a line of 999', `A: 1\r\n\r\n${'x'.repeat(999)}\r\n`, 'long-line'],
    ['a header without end', 'A: 1\r\n'.repeat(MAX_HEADER / 6 + 2), 'long-header'],
  ])('refuses %s', (_, text, problem) => {
    expect(feed(text, 5_000).ingress.problem).toBe(problem);
    if (text.length < 100) expect(feed(text, 1).ingress.problem).toBe(problem);
  });

  it('takes a line of 998 and notices bytes beyond ASCII', () => {
    expect(feed(`A: 1\r\n\r\n${'x'.repeat(998)}\r\n`, 100).ingress.problem).toBeUndefined();
    expect(feed('A: 1\r\n\r\nx\r\n').ingress.hasHighBytes).toBe(false);
    expect(feed('A: 1\r\n\r\n\xe4\r\n').ingress.hasHighBytes).toBe(true);
  });

  it('finds the same first problem as a look at each byte, for every text and split', () => {
    const piece = fc.constantFrom('\r', '\n', '\r\n', '\0', 'x', '\xe4', 'y'.repeat(500), 'z'.repeat(498));
    const text = fc.array(piece, { maxLength: 12 }).map((parts) => `A: 1\r\n\r\n${parts.join('')}`);
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 700 }), (bytes, size) => {
        const { problem } = feed(bytes, size).ingress;
        expect(problem).toBe(firstProblem(bytes));
        if (!problem) expect(feed(bytes, size).body).toBe(bytes.slice(8));
      }),
      { numRuns: 3_000 },
    );
  });
});

function firstProblem(text: string): string | undefined {
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at - 1] === '\r' && text[at] !== '\n') return 'bare-cr';
    if (text[at] === '\n') {
      if (text[at - 1] !== '\r') return 'bare-lf';
      length = 0;
    } else if (text[at] === '\0') return 'nul';
    else if (text[at] !== '\r' && ++length > MAX_LINE) return 'long-line';
  }
  return text.endsWith('\r') ? 'bare-cr' : undefined;
}
