/** PIPELINING (RFC 2920): answers in order, together where the commands came together, and never late. */
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { simpleMessage } from './support/dialogue.ts';
import { HOSTNAME, PASSWORD, startRelay, type TestRelay, USERNAME } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const ENVELOPE = 'MAIL FROM:<hello@shop.example>\r\nRCPT TO:<a@example.com>\r\n';

describe('pipelining', () => {
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

  /** Logged in; `records` are what each TLS record brought since. */
  async function loggedIn(): Promise<{
    socket: TLSSocket;
    records: string[];
    codes: (count: number) => Promise<string[]>;
  }> {
    const ca = readFileSync(relay.pki.caFile);
    const socket = connect({ host: '127.0.0.1', port: relay.ports.tls, ca, servername: HOSTNAME });
    const records: string[] = [];
    socket.on('data', (chunk: Buffer) => records.push(chunk.toString()));
    const codes = async (count: number) => {
      const lines = () => records.join('').match(/^\d{3} .*(?=\r\n)/gm) ?? [];
      await waitFor(() => lines().length >= count, { what: `${count} replies` });
      return lines().map((line) => line.slice(0, 9));
    };
    await codes(1);
    socket.write(
      `EHLO client.test\r\nAUTH PLAIN ${Buffer.from(`\0${USERNAME}\0${PASSWORD}`).toString('base64')}\r\n`,
    );
    await codes(3);
    records.length = 0;
    return { socket, records, codes };
  }

  it('answers what came together in one record', async () => {
    const { socket, records, codes } = await loggedIn();
    socket.write(`${ENVELOPE}RCPT TO:<b@example.com>\r\nDATA\r\n`);
    expect(await codes(4)).toEqual(['250 2.1.0', '250 2.1.5', '250 2.1.5', '354 End d']);
    expect(records.length).toBe(1);
    records.length = 0;
    socket.write(`${simpleMessage()}.\r\n${ENVELOPE}RSET\r\n`);
    expect(await codes(4)).toEqual(['250 2.0.0', '250 2.1.0', '250 2.1.5', '250 2.0.0']);
    expect(records.length).toBe(1);
    socket.destroy();
  });

  it('answers each command at once where they come one by one, byte by byte', async () => {
    const { socket, codes } = await loggedIn();
    let count = 0;
    for (const line of [
      'NOOP\r\n',
      'MAIL FROM:<hello@shop.example>\r\n',
      'RCPT TO:<a@example.com>\r\n',
      'DATA\r\n',
    ]) {
      for (const byte of line) socket.write(byte);
      expect((await codes(++count)).length).toBe(count);
    }
    socket.destroy();
  });

  it('answers what came before an unfinished command without waiting for its end', async () => {
    const { socket, codes } = await loggedIn();
    socket.write(`NOOP\r\n${ENVELOPE}DAT`);
    expect(await codes(3)).toEqual(['250 2.0.0', '250 2.1.0', '250 2.1.5']);
    socket.write('A\r\n');
    expect((await codes(4)).at(-1)).toBe('354 End d');
    socket.destroy();
  });

  it('goes through many messages in one write, in order', async () => {
    const before = sink.received.length;
    const { socket, codes } = await loggedIn();
    const messages = Array.from(
      { length: 20 },
      (_, i) => `${ENVELOPE}DATA\r\n${simpleMessage({ Subject: `message ${i}` })}.\r\n`,
    );
    socket.write(`${messages.join('')}QUIT\r\n`);
    const expected = messages.flatMap(() => ['250 2.1.0', '250 2.1.5', '354 End d', '250 2.0.0']);
    expect(await codes(81)).toEqual([...expected, '221 2.0.0']);
    await sink.waitFor(before + 20);
    socket.destroy();
  });

  it('runs nothing that came behind QUIT', async () => {
    const { socket, records, codes } = await loggedIn();
    socket.write('QUIT\r\nNOOP\r\n');
    expect(await codes(1)).toEqual(['221 2.0.0']);
    await waitFor(() => socket.readableEnded, { what: 'the end' });
    expect(records.join('')).toBe('221 2.0.0 Bye\r\n');
  });
});
