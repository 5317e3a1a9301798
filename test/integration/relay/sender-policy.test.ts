/** Who may send as whom: envelope and From header, only with verified domains and the account's own list. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';

describe('sender policy', () => {
  let sink: Sink;
  let relay: TestRelay;
  let dialogue: Dialogue;
  let revision = 1;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    await configure(['hello@shop.example', '*@news.example']);
  });

  beforeEach(async () => {
    dialogue = await Dialogue.loggedIn(relay);
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function configure(
    allowedSenders: string[],
    domains = ['shop.example', 'news.example'],
  ): Promise<void> {
    revision++;
    const shards = allShards(
      { smarthostPort: sink.port },
      { revision, account: { allowedSenders }, withoutDomain: true },
    );
    const entry = { namespace: 'shop', workspaces: ['shop'], dkim: [] };
    const [first] = shards;
    for (const domain of domains) first?.domains.push({ ...entry, id: domain, name: domain, domain });
    first?.domains.push({
      ...entry,
      id: 'other',
      name: 'other',
      domain: 'other.example',
      workspaces: ['other'],
    });
    await relay.push(...shards);
  }

  it.each([
    ['a listed address', 'hello@shop.example'],
    ['a listed address in other case', 'Hello@SHOP.example'],
    ['any address of a listed domain', 'anything@news.example'],
  ])('accepts %s', async (_, from) => {
    expect(await dialogue.send({ from, data: simpleMessage({ From: `Shop <${from}>` }) })).toMatch(
      /^250 2\.0\.0 /,
    );
  });

  it.each([
    ['the null sender', '', /^550 5\.7\.1 /],
    ['an address not listed', 'boss@shop.example', /^550 5\.7\.1 .*address/],
    ['a subdomain', 'a@sub.news.example', /^550 5\.7\.1 .*domain/],
    ['a domain of another workspace', 'a@other.example', /^550 5\.7\.1 .*domain/],
    ['an unverified domain', 'a@example.org', /^550 5\.7\.1 .*domain/],
    ['a domain with a trailing dot', 'hello@shop.example.', /^501 /],
    ['no domain', 'hello', /^501 /],
    ['two ats', 'a@shop.example@evil.example', /^501 /],
    ['a quoted at', '"a@evil.example"@shop.example', /^(501|550) /],
  ])('refuses %s in MAIL', async (_, from, expected) => {
    expect(await dialogue.ask(`MAIL FROM:<${from}>`)).toMatch(expected);
  });

  it.each([
    ['another domain', { From: 'hello@evil.example' }],
    ['an allowed one first and another domain second', { From: 'hello@shop.example, x@evil.example' }],
    ['another domain behind a comment', { From: '(hello@shop.example) x@evil.example' }],
    [
      'another domain in angle brackets after an allowed phrase',
      { From: '"hello@shop.example" <x@evil.example>' },
    ],
    ['a group', { From: 'friends: hello@shop.example;' }],
    ['nothing', { From: '' }],
    ['two angle addresses', { From: '<hello@shop.example> <x@evil.example>' }],
    ['a second From field', { From: 'hello@shop.example', from: 'x@evil.example' }],
    [
      'a second From field with a space before its colon',
      { From: 'hello@shop.example', 'From ': 'x@evil.example' },
    ],
  ])('refuses a From header that names %s', async (_, headers) => {
    expect(await dialogue.send({ data: simpleMessage(headers as Record<string, string>) })).toMatch(
      /^550 5\.7\.1 /,
    );
  });

  it('refuses a header that readers would split in different places', async () => {
    const data = 'From: hello@shop.example\r\nnot a field\r\nFrom: x@evil.example\r\n\r\nbody\r\n';
    expect(await dialogue.send({ data })).toMatch(/^554 5\.6\.0 /);
  });

  it('refuses mail without a login, also after RSET and after a failed one', async () => {
    const anonymous = await Dialogue.open(relay, 'tls');
    await anonymous.reply();
    await anonymous.ask('EHLO client.test');
    expect(await anonymous.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^530 /);
    await anonymous.ask('RSET');
    expect(await anonymous.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^530 /);
    await anonymous.login('nobody', 'wrong');
    expect(await anonymous.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^530 /);
  });

  it.each([
    'someone%evil.example@example.com',
    'a!b@example.com',
    '@evil.example:',
    'postmaster',
    `${'l'.repeat(65)}@x.example`,
  ])('refuses the recipient %s', async (recipient) => {
    await dialogue.ask('MAIL FROM:<hello@shop.example>');
    expect(await dialogue.ask(`RCPT TO:<${recipient}>`)).toMatch(/^501 5\.1\.3 /);
  });

  it('takes at most as many recipients as the relay allows', async () => {
    await dialogue.ask('MAIL FROM:<hello@shop.example>');
    for (let i = 0; i < 20; i++)
      expect(await dialogue.ask(`RCPT TO:<r${i}@example.com>`)).toMatch(/^250 2\.1\.5 /);
    expect(await dialogue.ask('RCPT TO:<r20@example.com>')).toMatch(/^452 4\.5\.3 /);
  });

  it('refuses the next MAIL once a domain is not verified any more', async () => {
    expect(await dialogue.send()).toMatch(/^250 /);
    await configure(['hello@shop.example'], ['news.example']);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^550 5\.7\.1 .*domain/);
    await configure(['hello@shop.example', '*@news.example']);
    expect(await dialogue.send()).toMatch(/^250 /);
  });

  it('removes Bcc and keeps every other byte', async () => {
    sink.received.length = 0;
    const body = 'Grüße\r\n..\r\n.\tx \r\n\r\n\r\n';
    const data = simpleMessage(
      {
        'Message-ID': '<mine@shop.example>',
        Date: 'Thu, 20 Nov 2025 10:00:00 +0000',
        Bcc: 'b@example.com,\r\n c@example.com',
      },
      Buffer.from(body).toString('latin1'),
    );
    expect(await dialogue.send({ data: data.replaceAll('\r\n.', '\r\n..') })).toMatch(/^250 /);
    const [message] = await sink.waitFor(1);
    const received = message?.data.toString('latin1') ?? '';
    const expected = data.replace(/Bcc:[^]*?\r\n(?! )/, '');
    expect(received.replace(/^Received:[^]*?\r\n(?!\t)/, '')).toBe(expected);
  });
});
