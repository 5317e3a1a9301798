import { describe, expect, it } from '@jest/globals';
import { matchesSts, readStsPolicy, readStsRecord } from './mta-sts-policy.ts';

const policy = (lines: readonly string[]) => readStsPolicy(`${lines.join('\r\n')}\r\n`);

describe('MTA-STS', () => {
  it.each([
    [['v=STSv1; id=20250101T000000;'], '20250101T000000'],
    [['v=STSv1;id=a'], 'a'],
    [['v=spf1 -all', 'v=STSv1; id=1; unknown=x'], '1'],
    [['v=STSv1; id=1', 'v=STSv1; id=2'], undefined],
    [['v=STSv1; id=with-dash'], undefined],
    [['v=STSv12; id=1'], undefined],
    [[], undefined],
  ])('of the records %j takes the id %j', (texts, id) => {
    expect(readStsRecord(texts)).toBe(id);
  });

  it('reads a policy, unknown fields and both line ends', () => {
    const lines = [
      'version: STSv1',
      'mode: enforce',
      'mx: MX1.example.com',
      'mx: *.example.net',
      'new: x',
      'max_age: 86400',
    ];
    const read = { mode: 'enforce', mx: ['mx1.example.com', '*.example.net'], maxAgeSeconds: 86_400 };
    expect(policy(lines)).toEqual(read);
    expect(readStsPolicy(lines.join('\n'))).toEqual(read);
    expect(policy(['version: STSv1', 'mode: none', 'max_age: 9999999999'])?.maxAgeSeconds).toBe(31_557_600);
  });

  it.each([
    ['no version', ['mode: enforce', 'mx: a.b', 'max_age: 1']],
    ['an unknown mode', ['version: STSv1', 'mode: strict', 'mx: a.b', 'max_age: 1']],
    ['no mx', ['version: STSv1', 'mode: enforce', 'max_age: 1']],
    ['no max_age', ['version: STSv1', 'mode: enforce', 'mx: a.b']],
    ['a web page', ['<!doctype html>', '<p>mode: enforce']],
  ])('takes %s for no policy', (_, lines) => {
    expect(policy(lines)).toBeUndefined();
  });

  it.each([
    ['mx1.example.com', true],
    ['MX1.EXAMPLE.COM', true],
    ['mx2.example.com', false],
    ['a.example.net', true],
    ['a.b.example.net', false],
    ['example.net', false],
  ])('%s is in the policy: %s', (host, expected) => {
    const mx = ['mx1.example.com', '*.example.net'];
    expect(matchesSts({ mode: 'enforce', mx, maxAgeSeconds: 1 }, host)).toBe(expected);
  });
});
