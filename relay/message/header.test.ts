import { describe, expect, it } from '@jest/globals';
import { parseHeader, unfold } from './header.ts';

describe('header', () => {
  it('splits fields, keeps folding and bytes, unfolds values', () => {
    const parsed = parseHeader('Subject: a\r\n  b\r\n\tc\r\nX-Odd :y\r\nFrom: \xe4@x\r\n');
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(parsed.fields.map(({ name }) => name)).toEqual(['subject', 'x-odd', 'from']);
    expect(parsed.fields[0]?.raw).toBe('Subject: a\r\n  b\r\n\tc\r\n');
    const [subject] = parsed.fields;
    expect(subject && unfold(subject)).toBe('a  b\tc');
    expect(parsed.fields[2]?.raw).toBe('From: \xe4@x\r\n');
  });

  it.each([
    ['a line without a colon', 'From: a\r\nnonsense\r\n'],
    ['a first line that continues nothing', ' x: y\r\n'],
    ['a name with a space', 'From x: y\r\n'],
    ['an mbox line', 'From a@b Fri Nov 21 10:00:00 2025\r\n'],
    ['an empty name', ': y\r\n'],
  ])('refuses %s', (_, text) => {
    expect(parseHeader(text).ok).toBe(false);
  });
});
