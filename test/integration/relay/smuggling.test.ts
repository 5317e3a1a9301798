/** Line ends that other servers read as the end of a message: one message in, one out, or a refusal. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const SEQUENCES = [
  '\n.\n',
  '\n.\r',
  '\r.\n',
  '\r.\r',
  '\n.\r\n',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n\0.\r\n',
];

describe('smuggling', () => {
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

  const cases = SEQUENCES.flatMap((sequence) => [
    { name: JSON.stringify(sequence), sequence, byByte: false },
    { name: `${JSON.stringify(sequence)} byte by byte`, sequence, byByte: true },
  ]);

  it.each(cases)('refuses $name and goes on with the session', async ({ sequence, byByte }) => {
    const before = sink.received.length;
    const dialogue = await Dialogue.loggedIn(relay);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA'])
      await dialogue.ask(line);
    const smuggled =
      'MAIL FROM:<evil@shop.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nFrom: evil@shop.example\r\n\r\nx';
    const bytes = `${simpleMessage()}text${sequence}${smuggled}\r\n.\r\n`;
    if (byByte) for (const byte of bytes) dialogue.write(byte);
    else dialogue.write(bytes);
    expect(await dialogue.reply()).toMatch(/^554 5\.6\.0 /);
    expect(await dialogue.ask('NOOP')).toMatch(/^250 /);
    expect(await dialogue.send({ data: simpleMessage({ Subject: sequence.length.toString() }) })).toMatch(
      /^250 /,
    );
    await sink.waitFor(before + 1);
    expect(sink.received.length).toBe(before + 1);
    expect(sink.received.at(-1)?.recipients).toEqual(['someone@example.com']);
  });

  it('takes dots that were doubled, split anywhere', async () => {
    const before = sink.received.length;
    const dialogue = await Dialogue.loggedIn(relay);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA'])
      await dialogue.ask(line);
    for (const byte of `${simpleMessage()}..\r\n...\r\n..x\r\n\r\n.\r\n`) dialogue.write(byte);
    expect(await dialogue.reply()).toMatch(/^250 /);
    await sink.waitFor(before + 1);
    expect(sink.received.at(-1)?.data.toString()).toMatch(/\r\n\r\nHello!\r\n\.\r\n\.\.\r\n\.x\r\n\r\n$/);
  });

  it('refuses lines that are too long, in DATA and as commands', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ data: simpleMessage({}, `${'x'.repeat(998)}\r\n`) })).toMatch(/^250 /);
    expect(await dialogue.send({ data: simpleMessage({}, `${'x'.repeat(999)}\r\n`) })).toMatch(
      /^554 5\.6\.0 /,
    );
    expect(await dialogue.ask(`NOOP ${'x'.repeat(600)}`)).toMatch(/^421 /);
    await waitFor(() => dialogue.isClosed, { what: 'the connection to close' });
  });

  it('refuses what is too large, declared or real', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example> SIZE=10000001')).toMatch(/^552 5\.3\.4 /);
    const line = `${'x'.repeat(900)}\r\n`;
    expect(await dialogue.send({ data: simpleMessage({}, line.repeat(11_200)) })).toMatch(/^552 5\.3\.4 /);
    expect(await dialogue.send()).toMatch(/^250 /);
  });

  it('cuts a session that only makes noise', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    let answers = 0;
    while (!(await dialogue.ask('RSET')).startsWith('421')) answers++;
    expect(answers).toBeLessThanOrEqual(100);
  });
});
