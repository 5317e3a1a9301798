import { describe, expect, it } from '@jest/globals';
import { functions } from './functions.ts';

describe('smtp_url', () => {
  const url = (...args: (string | number)[]) => functions.smtp_url.call(args);

  it.each([
    [['mail.example.com', 587, 'user', 'pa:ss@/?#'], 'smtp://user:pa%3Ass%40%2F%3F%23@mail.example.com:587'],
    [['mail.example.com', 465, 'u', "it's(*)!"], 'smtps://u:it%27s%28%2A%29%21@mail.example.com:465'],
    [['2001:db8::1', 587, 'u', 'p'], 'smtp://u:p@[2001:db8::1]:587'],
  ])('%j', (args, result) => {
    expect(url(...args)).toEqual({ result });
  });

  it.each([
    [['mail example', 587, 'u', 'p'], 0],
    [['h', 0, 'u', 'p'], 1],
    [['h', 1.5, 'u', 'p'], 1],
  ])('%j is refused at its argument', (args, argument) => {
    expect(url(...args)).toMatchObject({ argument });
  });
});

describe('spf_merge', () => {
  const merge = (...records: string[]) => functions.spf_merge.call(records);

  it.each([
    [['v=spf1 mx ~all'], 'v=spf1 mx ~all'],
    [['v=spf1 mx ~all', 'v=spf1 a:r.example.com -all'], 'v=spf1 mx a:r.example.com ~all'],
    [['v=spf1 mx', 'V=SPF1  mx a:r.example.com -all'], 'v=spf1 mx a:r.example.com -all'],
    [['v=spf1 mx exp=e.example.com -all', 'v=spf1 a -all'], 'v=spf1 mx a -all exp=e.example.com'],
  ])('%j', (records, result) => {
    expect(merge(...records)).toEqual({ result });
  });

  it('refuses what is no SPF record, and too many lookups', () => {
    expect(merge('v=spf1 mx -all', 'v=DKIM1')).toMatchObject({ argument: 1 });
    const many = `v=spf1 ${Array.from({ length: 11 }, (_, index) => `include:s${index}.example.com`).join(' ')} -all`;
    expect(merge(many)).toMatchObject({ error: expect.stringContaining('11 DNS lookups') });
  });
});

describe('txt_chunks', () => {
  const chunks = (text: string) => functions.txt_chunks.call([text]);

  it('keeps to 255 bytes and cuts no character', () => {
    expect(chunks('')).toEqual({ result: [''] });
    expect(chunks('a'.repeat(255))).toEqual({ result: ['a'.repeat(255)] });
    expect(chunks('a'.repeat(256))).toEqual({ result: ['a'.repeat(255), 'a'] });
    expect(chunks('ü'.repeat(128))).toEqual({ result: ['ü'.repeat(127), 'ü'] });
  });
});
