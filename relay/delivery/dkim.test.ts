import { describe, expect, it } from '@jest/globals';
import { BodyHash, relaxHeader } from './dkim.ts';

function hash(body: string, chunk = Infinity): string {
  const hasher = new BodyHash();
  const bytes = Buffer.from(body, 'latin1');
  const size = Math.min(chunk, Math.max(bytes.length, 1));
  for (let at = 0; at < bytes.length; at += size) hasher.update(bytes.subarray(at, at + size));
  return hasher.digest();
}

describe('relaxed canonicalization (RFC 6376 section 3.4)', () => {
  it('hashes the empty body as the RFC says', () => {
    expect(hash('')).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
    expect(hash('\r\n\r\n')).toBe(hash(''));
  });

  it.each([
    [' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
    ['a\r\n\r\nb', 'a\r\n\r\nb\r\n'],
    ['a  \r\n', 'a\r\n'],
    ['\r\n\r\na\r\n', '\r\n\r\na\r\n'],
  ])('takes %j as %j, in chunks of any size', (body, canonical) => {
    for (const size of [1, 2, 3, Infinity]) expect(hash(body, size)).toBe(hash(canonical));
  });

  it('relaxes header fields', () => {
    expect(relaxHeader('B : Y\t\r\n\tZ  \r\n')).toBe('b:Y Z');
    expect(relaxHeader('A: X\r\n')).toBe('a:X');
  });
});
