import { describe, expect, test } from '@jest/globals';
import { dmarcNames, judgeDkim, judgeDmarc, judgeMx, judgeOwnership, judgeSpf, mergeSpf } from './index.ts';

const HOST = 'relay.example.net';
const KEY = 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A';
const DKIM = `v=DKIM1; k=rsa; p=${KEY}`;

describe('SPF', () => {
  test.each([
    ['the record as asked for', [`v=spf1 a:${HOST} ~all`], 'valid'],
    ['beside other text records', ['google-site=1', `v=spf1 a:${HOST} -all`], 'valid'],
    ['upper case and a trailing dot', [`V=SPF1 A:Relay.Example.NET. ~ALL`], 'valid'],
    ['merged with other senders', [`v=spf1 include:_spf.example.org +a:${HOST}/32 ~all`], 'valid'],
    ['no record at all', [], 'missing'],
    ['only other text', ['v=spf10 all', 'hello'], 'missing'],
    ['two records', [`v=spf1 a:${HOST} ~all`, 'v=spf1 -all'], 'wrong'],
    ['without the relay', ['v=spf1 include:_spf.example.org ~all'], 'wrong'],
    ['another host that ends alike', [`v=spf1 a:x${HOST} ~all`], 'wrong'],
    ['the relay is refused', [`v=spf1 -a:${HOST} ~all`], 'wrong'],
    ['the relay behind all', [`v=spf1 ~all a:${HOST}`], 'wrong'],
  ])('%s', (_title, values, verdict) => {
    expect(judgeSpf(values, HOST).verdict).toBe(verdict);
  });

  test('a record that lacks the relay is answered with the record to publish', () => {
    expect(mergeSpf('v=spf1 include:_spf.example.org ~all', HOST)).toBe(
      `v=spf1 a:${HOST} include:_spf.example.org ~all`,
    );
  });
});

describe('DKIM', () => {
  test.each([
    ['the record as asked for', [DKIM], 'valid'],
    [
      'white space in the key, as publishers leave it',
      [`v=DKIM1; k=rsa; p=${KEY.slice(0, 9)} ${KEY.slice(9)}`],
      'valid',
    ],
    ['defaults left out, semicolon at the end', [`p=${KEY};`], 'valid'],
    ['sha256 among the hashes', [`${DKIM}; h=sha1:sha256; s=*; t=s`], 'valid'],
    ['beside text that is no key', ['hello', DKIM], 'valid'],
    ['nothing', [], 'missing'],
    ['another key', [`v=DKIM1; k=rsa; p=${KEY}xx`], 'wrong'],
    ['two keys', [DKIM, `v=DKIM1; k=rsa; p=other`], 'wrong'],
    ['a revoked key', ['v=DKIM1; k=rsa; p='], 'wrong'],
    ['another type', [`v=DKIM1; k=ed25519; p=${KEY}`], 'wrong'],
    ['another version', [`v=DKIM2; p=${KEY}`], 'wrong'],
    ['only sha1 allowed', [`${DKIM}; h=sha1`], 'wrong'],
    ['for another service', [`${DKIM}; s=other`], 'wrong'],
  ])('%s', (_title, values, verdict) => {
    expect(judgeDkim(values, DKIM).verdict).toBe(verdict);
  });
});

describe('DMARC', () => {
  test.each([
    ['the least record', ['v=DMARC1; p=none'], 'valid'],
    ['a strict policy with reports', ['v=DMARC1;p=reject;rua=mailto:d@example.com'], 'valid'],
    ['no record', ['hello'], 'missing'],
    ['two records', ['v=DMARC1; p=none', 'v=DMARC1; p=reject'], 'wrong'],
    ['no policy', ['v=DMARC1; rua=mailto:d@example.com'], 'wrong'],
    ['an unknown policy', ['v=DMARC1; p=maybe'], 'wrong'],
    ['a tag twice', ['v=DMARC1; p=none; p=reject'], 'wrong'],
  ])('%s', (_title, values, verdict) => {
    expect(judgeDmarc(values).verdict).toBe(verdict);
  });

  test('a subdomain may take the policy of its parents, not that of a top-level domain', () => {
    expect(dmarcNames('a.mail.example.com')).toEqual([
      '_dmarc.a.mail.example.com',
      '_dmarc.mail.example.com',
      '_dmarc.example.com',
    ]);
    expect(dmarcNames('example.com')).toEqual(['_dmarc.example.com']);
  });
});

describe('ownership', () => {
  const ours = 'migosmtp-verification=abc';
  test.each([
    ['our record', [ours], 'valid'],
    ['our record beside those of others', ['v=spf1 -all', 'migosmtp-verification=def', ours], 'valid'],
    ['only that of another claim', ['migosmtp-verification=def'], 'wrong'],
    ['nothing', [], 'missing'],
  ])('%s', (_title, values, verdict) => {
    expect(judgeOwnership(values, ours).verdict).toBe(verdict);
  });
});

describe('MX of the return path', () => {
  test.each([
    ['our host', ['10 relay.example.net'], 'valid'],
    ['our host with a trailing dot', ['0 Relay.Example.net.'], 'valid'],
    ['another host beside ours', ['10 relay.example.net', '20 mx.example.org'], 'wrong'],
    ['none', [], 'missing'],
  ])('%s', (_title, values, verdict) => {
    expect(judgeMx(values, HOST).verdict).toBe(verdict);
  });
});
