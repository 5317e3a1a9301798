import { describe, expect, it } from '@jest/globals';
import { ERRORS, oneLine, RelayError } from './errors.ts';

describe('errors', () => {
  it.each(Object.entries(ERRORS))(
    '%s has a template in one line and a hint that is a sentence',
    (_, entry) => {
      expect(entry.template).not.toMatch(/\n|failed to/);
      expect(entry.hint).toMatch(/^[A-Z].*\S$/);
    },
  );

  it('fills the template and keeps the cause', () => {
    const cause = new Error('line one\nline two');
    const error = new RelayError('R_CONFIG_UNREADABLE', { file: 'x.yaml' }, cause);
    expect(error).toMatchObject({ kind: 'Invalid', cause, message: 'cannot read x.yaml: line one line two' });
  });

  it('cleans foreign text to one bounded line', () => {
    expect(oneLine('a\r\n\0b\u001b[31m\u2028c')).toBe('a b [31m c');
    expect(oneLine('x'.repeat(900))).toHaveLength(500);
  });
});
