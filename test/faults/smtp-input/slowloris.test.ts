/** Clients that send a byte now and then, in every phase: cut by absolute deadlines, while others are served. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

const TRICKLE_MS = 200;

describe('slow clients', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({
      smarthostPort: sink.port,
      config: {
        sessions: {
          handshakeSeconds: 1,
          untilLoginSeconds: 2,
          betweenCommandsSeconds: 2,
          dataSpanSeconds: 1,
          minBytesPerSpan: 100,
          dataSeconds: 4,
        },
      },
    });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  /** Trickles bytes until the relay is done with it, while a healthy client sends; answers the seconds that it took. */
  async function trickle(
    write: (byte: string) => void,
    isClosed: () => boolean,
    byte = 'x',
  ): Promise<number> {
    const started = performance.now();
    const timer = setInterval(() => write(byte), TRICKLE_MS);
    try {
      const healthy = await Dialogue.loggedIn(relay);
      expect(await healthy.send()).toMatch(/^250 /);
      healthy.close();
      await waitFor(isClosed, { what: 'the slow client to be cut', timeoutMs: 12_000 });
    } finally {
      clearInterval(timer);
    }
    return (performance.now() - started) / 1_000;
  }

  it('are cut in a TLS handshake', async () => {
    const socket: Socket = connect({ host: '127.0.0.1', port: relay.ports.tls });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    // The beginning of a record that never ends.
    socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    expect(
      await trickle(
        (byte) => socket.write(byte),
        () => socket.destroyed,
      ),
    ).toBeLessThan(4);
  });

  it('are cut in a command before the login', async () => {
    const dialogue = await Dialogue.open(relay);
    expect(await dialogue.reply()).toMatch(/^220 /);
    const seconds = await trickle(
      (byte) => dialogue.write(byte),
      () => dialogue.isClosed,
    );
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(6);
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 /);
  });

  it('are cut in AUTH', async () => {
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    expect(await dialogue.ask('AUTH LOGIN')).toMatch(/^334 /);
    expect(
      await trickle(
        (byte) => dialogue.write(byte),
        () => dialogue.isClosed,
      ),
    ).toBeLessThan(6);
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 /);
  });

  it('are cut in a command after the login', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    expect(
      await trickle(
        (byte) => dialogue.write(byte),
        () => dialogue.isClosed,
      ),
    ).toBeLessThan(6);
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 /);
  });

  it.each([
    ['DATA below the rate', 'DATA', 'x'],
    ['DATA above the rate, without end', 'DATA', `${'x'.repeat(98)}\r\n`],
    ['a chunk below the rate', 'BDAT 1000000', 'x'],
  ])('are cut in %s', async (_, command, bytes) => {
    const dialogue = await Dialogue.loggedIn(relay);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<slow@example.com>'])
      expect(await dialogue.ask(line)).toMatch(/^250 /);
    dialogue.write(`${command}\r\n`);
    if (command === 'DATA') expect(await dialogue.reply()).toMatch(/^354 /);
    expect(
      await trickle(
        (part) => dialogue.write(part),
        () => dialogue.isClosed,
        bytes,
      ),
    ).toBeLessThan(8);
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 /);
    expect(sink.received.flatMap(({ recipients }) => recipients)).not.toContain('slow@example.com');
  });
});
