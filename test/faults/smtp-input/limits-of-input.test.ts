/** What is longer, larger or more than the protocol or the relay allows is refused, and the session goes on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';

describe('limits of input', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  const local = (length: number) => 'x'.repeat(length);
  const domain = (length: number) => `${'d.'.repeat(length)}example`.slice(-length).replace(/^\./, 'd');

  it.each([
    ['a command of 512', `NOOP ${local(507)}`, /^250 /],
    ['a local part of 64', `RCPT TO:<${local(64)}@example.com>`, /^250 /],
    ['a local part of 65', `RCPT TO:<${local(65)}@example.com>`, /^501 5\.1\.3 /],
    ['a path of 256', `RCPT TO:<${local(10)}@${domain(243)}>`, /^250 /],
    ['a path of 257', `RCPT TO:<${local(10)}@${domain(244)}>`, /^501 5\.1\.3 /],
    ['a declared size at the limit', 'MAIL FROM:<hello@shop.example> SIZE=10000000', /^250 /],
    ['a declared size above it', 'MAIL FROM:<hello@shop.example> SIZE=10000001', /^552 5\.3\.4 /],
    [
      'a declared size of many digits',
      `MAIL FROM:<hello@shop.example> SIZE=${'9'.repeat(20)}`,
      /^552 5\.3\.4 /,
    ],
  ])('%s', async (_, command, expected) => {
    const dialogue = await Dialogue.loggedIn(relay);
    if (command.startsWith('RCPT')) await dialogue.ask('MAIL FROM:<hello@shop.example>');
    expect(await dialogue.ask(command)).toMatch(expected);
    await dialogue.ask('RSET');
    expect(await dialogue.send()).toMatch(/^250 /);
    dialogue.close();
  });

  it('ends a session at a command of 513, also one that never ends', async () => {
    for (const end of ['\r\n', '']) {
      const dialogue = await Dialogue.loggedIn(relay);
      dialogue.write(`NOOP ${local(508)}${end}`);
      expect(await dialogue.reply()).toMatch(/^421 5\.5\.2 /);
      expect(await dialogue.reply()).toBe('');
    }
  });

  it('takes as many recipients as allowed, refuses more for now, and sends to those', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    await dialogue.ask('MAIL FROM:<hello@shop.example>');
    for (let i = 0; i < 20; i++) expect(await dialogue.ask(`RCPT TO:<r${i}@example.com>`)).toMatch(/^250 /);
    expect(await dialogue.ask('RCPT TO:<r20@example.com>')).toMatch(/^452 4\.5\.3 /);
    expect(await dialogue.ask('DATA')).toMatch(/^354 /);
    dialogue.write(`${simpleMessage()}.\r\n`);
    expect(await dialogue.reply()).toMatch(/^250 /);
  });

  it('takes lines of 998 with doubled dots beside them, refuses 999 by DATA and by BDAT', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ data: simpleMessage({}, `..${local(997)}\r\n`) })).toMatch(/^250 /);
    expect(await dialogue.send({ data: simpleMessage({}, `..${local(998)}\r\n`) })).toMatch(/^554 5\.6\.0 /);
    const chunk = simpleMessage({}, `${local(999)}\r\n`);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>'])
      await dialogue.ask(line);
    dialogue.write(`BDAT ${chunk.length} LAST\r\n${chunk}`);
    expect(await dialogue.reply()).toMatch(/^554 5\.6\.0 /);
  });
});
