/** Nobody sends without a login, or in a name that is not the account's, by whatever detour. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from '../../integration/relay/support/dialogue.ts';
import {
  allShards,
  PASSWORD,
  startRelay,
  testAccount,
  type TestRelay,
  USERNAME,
} from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';

describe('open relay', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    const stranger = {
      ...testAccount(),
      id: 'other',
      namespace: 'other',
      name: 'other',
      username: 'smtpuser_ffffffff',
    };
    await relay.push(...allShards({ smarthostPort: sink.port }, { revision: 2, moreAccounts: [stranger] }));
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function greeted(mode: 'starttls' | 'tls' = 'tls'): Promise<Dialogue> {
    const dialogue = await Dialogue.open(relay, mode);
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    return dialogue;
  }

  async function expectRefused(dialogue: Dialogue): Promise<void> {
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^530 5\.7\.0 /);
    expect(await dialogue.ask('RCPT TO:<a@example.com>')).toMatch(/^5/);
    expect(await dialogue.ask('DATA')).toMatch(/^5/);
  }

  it('refuses mail before a login, in plain text and under TLS', async () => {
    await expectRefused(await greeted('starttls'));
    await expectRefused(await greeted());
  });

  it('refuses mail after a failed login and after RSET', async () => {
    const dialogue = await greeted();
    expect(await dialogue.login(USERNAME, 'wrong')).toMatch(/^535 /);
    expect(await dialogue.ask('RSET')).toMatch(/^250 /);
    await expectRefused(dialogue);
  });

  it('forgets the login of plain text at STARTTLS, where there can be none', async () => {
    const dialogue = await greeted('starttls');
    expect(await dialogue.login()).toMatch(/^538 /);
    await dialogue.ask('STARTTLS');
    await dialogue.startTls();
    await dialogue.ask('EHLO client.test');
    await expectRefused(dialogue);
  });

  it.each([
    'a%example.com@shop.example',
    'example.com!a',
    'example.com!a@shop.example',
    '"a@example.com"@shop.example',
    '"a@example.com"',
    'a@example.com@shop.example',
    'a@[127.0.0.1',
    'a@',
    '@example.com',
    'a',
    'a b@example.com',
    'a@exa mple.com',
    'a@example.com\\r\\nRCPT TO:<b@example.com',
    'a@example..com',
    `${'x'.repeat(65)}@example.com`,
  ])('refuses the recipient <%s>', async (address) => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^250 /);
    expect(await dialogue.ask(`RCPT TO:<${address}>`)).toMatch(/^501 5\.1\.3 /);
    dialogue.close();
  });

  it('refuses the null sender and the domain of another workspace, in MAIL and in From', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.ask('MAIL FROM:<>')).toMatch(/^550 5\.7\.1 /);
    const stranger = await Dialogue.loggedIn(relay, 'smtpuser_ffffffff', PASSWORD);
    expect(await stranger.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^550 5\.7\.1 /);
    expect(await dialogue.send({ data: simpleMessage({ From: 'ceo@bank.example' }) })).toMatch(
      /^550 5\.7\.1 /,
    );
  });

  it('delivered nothing of all this', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ to: ['last@example.com'] })).toMatch(/^250 /);
    await sink.waitFor(1);
    expect(sink.received.map(({ recipients }) => recipients)).toEqual([['last@example.com']]);
  });
});
