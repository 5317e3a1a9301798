/** CHUNKING (RFC 3030): messages by BDAT, in any number of chunks, pipelined, refused and begun anew. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const ENVELOPE = ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>'];

describe('BDAT', () => {
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

  async function begun(): Promise<Dialogue> {
    const dialogue = await Dialogue.loggedIn(relay);
    for (const line of ENVELOPE) expect(await dialogue.ask(line)).toMatch(/^250 /);
    return dialogue;
  }

  const withSubject = (subject: string) =>
    sink.received
      .map(({ data }) => data.toString())
      .filter((text) => text.includes(`Subject: ${subject}\r\n`));

  /** The one message of that subject. */
  async function arrived(subject: string): Promise<string> {
    await waitFor(() => withSubject(subject).length > 0, { what: `the message "${subject}"` });
    expect(withSubject(subject).length).toBe(1);
    return withSubject(subject)[0] ?? '';
  }

  it('is offered', async () => {
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    const lines = (await dialogue.ask('EHLO client.test')).split('\n').map((line) => line.slice(4));
    expect(lines).toEqual(
      expect.arrayContaining([
        'CHUNKING',
        'DSN',
        'PIPELINING',
        '8BITMIME',
        'SMTPUTF8',
        'ENHANCEDSTATUSCODES',
        'SIZE 10000000',
        'AUTH LOGIN PLAIN',
      ]),
    );
    dialogue.close();
  });

  it('takes chunks cut anywhere, dots as they are, however the bytes arrive', async () => {
    const message = simpleMessage({ Subject: 'dots' }, '.\r\n..\r\n.x\r\n\r\n.\r\nend\r\n');
    const dialogue = await begun();
    const [first, second] = [message.slice(0, 40), message.slice(40)];
    for (const byte of `BDAT ${first.length}\r\n${first}`) dialogue.write(byte);
    expect(await dialogue.reply()).toBe(`250 2.0.0 ${first.length} octets received`);
    dialogue.write(`BDAT ${second.length}\r\n${second}BDAT 0 LAST\r\nNOOP\r\n`);
    expect(await dialogue.reply()).toMatch(/^250 2\.0\.0 \d+ octets received$/);
    expect(await dialogue.reply()).toMatch(/^250 2\.0\.0 Ok: queued as /);
    expect(await dialogue.reply()).toMatch(/^250 2\.0\.0 OK$/);
    expect(await arrived('dots')).toMatch(/\r\n\r\n\.\r\n\.\.\r\n\.x\r\n\r\n\.\r\nend\r\n$/);
  });

  it('answers a whole pipelined transaction in order', async () => {
    const message = simpleMessage({ Subject: 'pipelined' });
    const dialogue = await Dialogue.loggedIn(relay);
    dialogue.write(`${ENVELOPE.join('\r\n')}\r\nBDAT ${message.length} LAST\r\n${message}${ENVELOPE[0]}\r\n`);
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await dialogue.reply()).slice(0, 9));
    expect(codes).toEqual(['250 2.1.0', '250 2.1.5', '250 2.0.0', '250 2.1.0']);
    await arrived('pipelined');
  });

  it.each([
    ['a bare LF', 'x\ny\r\n'],
    ['a NUL', 'x\0y\r\n'],
    ['a long line', `${'x'.repeat(999)}\r\n`],
  ])('refuses %s as DATA does, and goes on', async (_, body) => {
    const message = simpleMessage({}, body);
    const dialogue = await begun();
    dialogue.write(`BDAT ${message.length} LAST\r\n${message}`);
    expect(await dialogue.reply()).toMatch(/^554 5\.6\.0 /);
    expect(await dialogue.send()).toMatch(/^250 /);
  });

  it('refuses DATA, RCPT and MAIL after the first chunk, and begins anew after RSET', async () => {
    const dialogue = await begun();
    dialogue.write('BDAT 5\r\nFrom:');
    expect(await dialogue.reply()).toMatch(/^250 /);
    expect(await dialogue.ask('DATA')).toMatch(/^503 5\.5\.1 /);
    expect(await dialogue.ask('RCPT TO:<b@example.com>')).toMatch(/^503 5\.5\.1 /);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^503 5\.5\.1 /);
    expect(await dialogue.ask('RSET')).toMatch(/^250 /);
    expect(await dialogue.send({ data: simpleMessage({ Subject: 'after RSET' }) })).toMatch(/^250 /);
    await arrived('after RSET');
  });

  it('never takes a refused chunk for commands', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    const smuggled = `${ENVELOPE.join('\r\n')}\r\nDATA\r\n${simpleMessage({ Subject: 'smuggled' })}.\r\n`;
    dialogue.write(`BDAT ${smuggled.length} LAST\r\n${smuggled}NOOP\r\n`);
    expect(await dialogue.reply()).toMatch(/^503 5\.5\.1 /);
    expect(await dialogue.reply()).toMatch(/^250 2\.0\.0 OK$/);
    const stranger = await Dialogue.open(relay, 'tls');
    await stranger.reply();
    await stranger.ask('EHLO client.test');
    stranger.write(`BDAT ${smuggled.length} LAST\r\n${smuggled}NOOP\r\n`);
    expect(await stranger.reply()).toMatch(/^530 5\.7\.0 /);
    expect(await stranger.reply()).toMatch(/^250 /);
    stranger.close();
    expect(await dialogue.send({ data: simpleMessage({ Subject: 'after refusal' }) })).toMatch(/^250 /);
    await arrived('after refusal');
    expect(withSubject('smuggled')).toEqual([]);
  });

  it('refuses what is too large, also over several chunks', async () => {
    const dialogue = await begun();
    const chunk = `${simpleMessage()}${`${'x'.repeat(900)}\r\n`.repeat(6_000)}`;
    dialogue.write(`BDAT ${chunk.length}\r\n${chunk}`);
    expect(await dialogue.reply()).toMatch(/^250 /);
    dialogue.write(`BDAT ${chunk.length} LAST\r\n${chunk}`);
    expect(await dialogue.reply()).toMatch(/^552 5\.3\.4 /);
    expect(await dialogue.send()).toMatch(/^250 /);
  });

  it.each(['BDAT', 'BDAT x', 'BDAT -1', 'BDAT 5 FIRST', 'BDAT 9999999999999999999'])(
    'closes after "%s": nobody knows where the next command begins',
    async (line) => {
      const dialogue = await begun();
      expect(await dialogue.ask(line)).toMatch(/^421 5\.5\.4 /);
      await waitFor(() => dialogue.isClosed, { what: 'the connection to close' });
    },
  );

  it('keeps nothing of a message whose client left between two chunks', async () => {
    const dialogue = await begun();
    const message = simpleMessage({ Subject: 'left' });
    dialogue.write(`BDAT ${message.length}\r\n${message}`);
    expect(await dialogue.reply()).toMatch(/^250 /);
    dialogue.close();
    const next = await Dialogue.loggedIn(relay);
    expect(await next.send({ data: simpleMessage({ Subject: 'next' }) })).toMatch(/^250 /);
    await arrived('next');
    expect(withSubject('left')).toEqual([]);
  });
});
