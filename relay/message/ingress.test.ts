import { describe, expect, it } from '@jest/globals';
import { Ingress, MAX_HEADER } from './ingress.ts';

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
});
