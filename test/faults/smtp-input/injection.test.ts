/**
 * RELIABILITY, SMTP input: CRLF, NUL, bare CR in addresses, parameters, EHLO, names, headers we add, DSNs, log lines:
 * refused or escaped. What a client says never becomes a command, a header field or a line of somebody else's.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Received, type Sink, startSink } from '../../integration/relay/support/sink.ts';

const FROM = 'MAIL FROM:<hello@shop.example>';
/** A bare LF ends a command, as people type them: it stands in none. */
const CONTROLS = ['\r', '\0', '\r\0', '\u001b[2J', '\u0085', '\u2028'];

describe('injection', () => {
  let sink: Sink;
  let relay: TestRelay;
  const commands: string[] = [];

  beforeAll(async () => {
    sink = await startSink();
    sink.script = {
      ehlo: ['SIZE', 'DSN', '8BITMIME'],
      mail: (line) => void commands.push(line),
      rcpt: (line) => (commands.push(line), line.includes('gone') ? '550 5.2.1 \u001b[2J no' : undefined),
    };
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function next(send: () => Promise<string>): Promise<Received> {
    const before = sink.received.length;
    expect(await send()).toMatch(/^250 /);
    await sink.waitFor(before + 1);
    return sink.received[before]!;
  }

  const headerOf = ({ data }: Received) => data.toString('latin1').split('\r\n\r\n')[0] ?? '';
  const namesIn = (header: string) => [...header.matchAll(/^([^\s:]+):/gm)].map(([, name]) => name);

  it.each(CONTROLS)('%j in EHLO is in no Received and no command', async (control) => {
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    dialogue.write(Buffer.from(`EHLO a)${control}Evil:x${control}QUIT\r\n`, 'utf8'));
    const greeted = await dialogue.reply();
    if (greeted.startsWith('501')) return;
    expect(greeted).toMatch(/^250-/);
    expect(await dialogue.login()).toMatch(/^235 /);
    const header = headerOf(await next(() => dialogue.send()));
    expect(namesIn(header)).toEqual(['Received', 'Message-ID', 'Date', 'From', 'To', 'Subject']);
    expect(header.replaceAll(/\r\n\t?/g, '')).toMatch(/^[ -~]*$/);
    dialogue.close();
  });

  const inAddress = CONTROLS.flatMap((control) => [
    `${FROM.slice(0, -1)}${control}>`,
    `${FROM}${control}SIZE=1`,
    `${FROM} SIZE=1${control}`,
    `${FROM} ENVID=a${control}b`,
  ]);
  it.each(inAddress)('refuses %j', async (line) => {
    const dialogue = await Dialogue.loggedIn(relay);
    dialogue.write(Buffer.from(`${line}\r\n`, 'utf8'));
    expect(await dialogue.reply()).toMatch(/^5\d\d 5\.\d\.\d /);
    dialogue.close();
  });

  it('refuses encoded line ends in ENVID and ORCPT, or sends them on encoded', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    const from = await dialogue.ask(`${FROM} ENVID=a+0D+0ARSET`);
    if (from.startsWith('5')) await dialogue.ask(FROM);
    const to = await dialogue.ask(
      'RCPT TO:<gone@example.com> NOTIFY=FAILURE ORCPT=rfc822;a+0D+0AEvil:+20x@example.com',
    );
    if (to.startsWith('5')) await dialogue.ask('RCPT TO:<gone@example.com>');
    await dialogue.ask('DATA');
    dialogue.write(simpleMessage());
    const bounce = await next(() => dialogue.ask('.'));
    expect(commands.filter((line) => !/^(MAIL|RCPT) [ -~]*$/.test(line))).toEqual([]);
    expect(bounce.data.toString('latin1')).not.toMatch(/^(Evil|RSET)/m);
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(bounce.data.toString('latin1')).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/);
    dialogue.close();
  });

  it.each([
    ['a NUL in a field', 'Subject: a\0b'],
    ['a bare CR in a field', 'Subject: a\rEvil: x'],
    ['a bare LF in a field', 'Subject: a\nEvil: x'],
    ['a field without a name', ': x'],
    ['a line that is no field', 'Evil'],
    ['a name with a blank in it', 'Ev il: x'],
  ])('refuses %s', async (_, line) => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ data: `From: hello@shop.example\r\n${line}\r\n\r\nx\r\n` })).toMatch(
      /^554 5\.6\.0 /,
    );
    dialogue.close();
  });

  it('logs each thing in one line of JSON, whatever was said', async () => {
    const evil = 'x\r\n{"level":30,"msg":"forged"}\u001b[2J\u2028';
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    expect(await dialogue.login(evil, evil)).toMatch(/^5/);
    expect(await dialogue.login('x\u2028', 'x')).toMatch(/^535 /);
    const second = await Dialogue.loggedIn(relay);
    await next(() => second.send({ data: simpleMessage({ Subject: 'forged {"msg":"forged"}' }) }));
    const lines = relay
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const parsed = lines.map((line) => JSON.parse(line) as { msg: string });
    expect(parsed.map(({ msg }) => msg)).not.toContain('forged');
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(relay.log()).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
  });
});
