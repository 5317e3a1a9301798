/** The operator's DNS lookups against a real authoritative server: every way in which an answer can come. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDnsLookup, type DnsLookup } from '../../../operator/dns/index.ts';
import { startDnsServer, type DnsServer } from '../../support/dns-server.ts';

let server: DnsServer;
let lookup: DnsLookup;

beforeAll(async () => {
  server = await startDnsServer({
    zones: ['example.com', 'elsewhere.test', 'xn--bcher-kva.example'],
    brokenZones: ['broken.test'],
    largestUdpAnswer: 512,
  });
  lookup = createDnsLookup({ servers: [server.address], timeoutMs: 300 });
});
afterAll(() => server.stop());

const long = 'x'.repeat(700);

describe('TXT records', () => {
  test.each([
    ['one record', 'one.example.com', { outcome: 'found', values: ['hello world'] }],
    ['several records', 'many.example.com', { outcome: 'found', values: ['a', 'b'] }],
    [
      'strings of one record are joined',
      'split.example.com',
      { outcome: 'found', values: ['v=DKIM1; p=abcdef'] },
    ],
    ['an answer over 512 bytes comes over TCP', 'long.example.com', { outcome: 'found', values: [long] }],
    ['a CNAME within the zone', 'alias.example.com', { outcome: 'found', values: ['hello world'] }],
    ['a CNAME into another zone', 'far.example.com', { outcome: 'found', values: ['over there'] }],
    ['a CNAME to where the server refuses', 'out.example.com', { outcome: 'failed' }],
    ['a CNAME to nothing', 'dangling.example.com', { outcome: 'absent' }],
    ['a CNAME that leads in a circle', 'circle-a.example.com', { outcome: 'failed' }],
    ['a trailing dot', 'one.example.com.', { outcome: 'found', values: ['hello world'] }],
    [
      'an international name',
      '_dmarc.xn--bcher-kva.example',
      { outcome: 'found', values: ['v=DMARC1; p=none'] },
    ],
    ['a name with other types only', 'mx.example.com', { outcome: 'absent' }],
    ['a name that does not exist', 'nothing.example.com', { outcome: 'absent' }],
    ['SERVFAIL', 'x.broken.test', { outcome: 'failed', reason: 'the DNS server answered SERVFAIL' }],
    ['REFUSED', 'x.unknown.test', { outcome: 'failed', reason: 'the DNS server answered REFUSED' }],
  ])('%s', async (_title, name, answer) => {
    await server.publish([
      { name: 'one.example.com', type: 'TXT', value: 'hello world' },
      { name: 'many.example.com', type: 'TXT', value: 'a' },
      { name: 'many.example.com', type: 'TXT', value: 'b' },
      { name: 'split.example.com', type: 'TXT', value: '', strings: ['v=DKIM1; p=abc', 'def'] },
      { name: 'long.example.com', type: 'TXT', value: long },
      { name: 'alias.example.com', type: 'CNAME', value: 'one.example.com' },
      { name: 'far.example.com', type: 'CNAME', value: 'there.elsewhere.test' },
      { name: 'there.elsewhere.test', type: 'TXT', value: 'over there' },
      { name: 'out.example.com', type: 'CNAME', value: 'there.unknown.test' },
      { name: 'dangling.example.com', type: 'CNAME', value: 'nothing.example.com' },
      { name: 'circle-a.example.com', type: 'CNAME', value: 'circle-b.elsewhere.test' },
      { name: 'circle-b.elsewhere.test', type: 'CNAME', value: 'circle-a.example.com' },
      { name: '_dmarc.xn--bcher-kva.example', type: 'TXT', value: 'v=DMARC1; p=none' },
      { name: 'mx.example.com', type: 'MX', value: '10 Mail.Example.com' },
    ]);
    const found = await lookup.txt(name);
    expect(found.outcome === 'found' ? { ...found, values: found.values.toSorted() } : found).toMatchObject(
      answer,
    );
  });
});

test('MX records come in lower case without the trailing dot', async () => {
  await server.publish([{ name: 'mx.example.com', type: 'MX', value: '10 Mail.Example.com' }]);
  expect(await lookup.mx('mx.example.com')).toEqual({ outcome: 'found', values: ['10 mail.example.com'] });
});

test('what is published is seen by the next query, what is withdrawn is gone in it', async () => {
  expect(await lookup.txt('fresh.example.com')).toEqual({ outcome: 'absent' });
  await server.publish([{ name: 'fresh.example.com', type: 'TXT', value: 'new' }]);
  expect(await lookup.txt('fresh.example.com')).toEqual({ outcome: 'found', values: ['new'] });
  await server.withdraw('fresh.example.com');
  expect(await lookup.txt('fresh.example.com')).toEqual({ outcome: 'absent' });
});

test('a server that is silent is a failure, not an absence', async () => {
  server.pause();
  try {
    expect(await lookup.txt('one.example.com')).toEqual({
      outcome: 'failed',
      reason: 'the DNS server did not answer in time',
    });
  } finally {
    server.resume();
  }
});

test('a port where nobody listens is a failure, not an absence', async () => {
  const nobody = createDnsLookup({ servers: ['127.0.0.1:1'], timeoutMs: 300 });
  expect((await nobody.txt('one.example.com')).outcome).toBe('failed');
});
