/** The PROXY protocol from trusted addresses: mandatory there, an unknown command from anywhere else. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { startRelay, type TestRelay, USERNAME } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const PROXY = '127.0.7.1';
const V1 = (address: string) => Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 4660 587\r\n`);
const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** 192.0.2.9, with a TLV behind it. */
const V2 = Buffer.from(`${SIGNATURE}21110011c00002097f0000011234024b20000201ff`, 'hex');
const LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex');

describe('behind a load balancer', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({
      smarthostPort: sink.port,
      config: {
        listen: {
          address: '127.0.0.1',
          starttls: 0,
          tls: 0,
          proxyProtocol: { trustedAddresses: ['127.0.7.0/24'] },
        },
        sessions: { handshakeSeconds: 1 },
      },
    });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function sendAndReadReceived(dialogue: Dialogue, subject: string): Promise<string> {
    expect(await dialogue.ask('EHLO client.test')).toMatch(/^250/);
    expect(await dialogue.login()).toMatch(/^235 /);
    expect(await dialogue.send({ data: simpleMessage({ Subject: subject }) })).toMatch(/^250 /);
    const text = await waitFor(
      () => sink.received.map(({ data }) => data.toString()).find((data) => data.includes(subject)),
      { what: 'the message' },
    );
    return text.slice(0, text.indexOf('\r\n'));
  }

  it.each([
    ['version 1', V1('192.0.2.8'), '192.0.2.8'],
    ['version 2', V2, '192.0.2.9'],
    ['version 2, its own connection', LOCAL, PROXY],
  ])('knows the client by %s, over STARTTLS and over TLS', async (name, before, address) => {
    const starttls = await Dialogue.open(relay, 'starttls', { from: PROXY, before });
    expect(await starttls.reply()).toMatch(/^220 relay\.test /);
    await starttls.ask('EHLO client.test');
    await starttls.ask('STARTTLS');
    await starttls.startTls();
    expect(await sendAndReadReceived(starttls, `${name} starttls`)).toBe(
      `Received: from client.test ([${address}])`,
    );
    const tls = await Dialogue.open(relay, 'tls', { from: PROXY, before });
    expect(await tls.reply()).toMatch(/^220 relay\.test /);
    expect(await sendAndReadReceived(tls, `${name} tls`)).toBe(`Received: from client.test ([${address}])`);
  });

  it('counts failed logins by the address of the client, not of the load balancer', async () => {
    const guess = async (address: string) => {
      const dialogue = await Dialogue.open(relay, 'tls', { from: PROXY, before: V1(address) });
      await dialogue.reply();
      await dialogue.ask('EHLO client.test');
      const started = performance.now();
      expect(await dialogue.login(USERNAME, 'wrong')).toMatch(/^535 /);
      dialogue.close();
      return performance.now() - started;
    };
    for (let i = 0; i < 6; i++) await guess('192.0.2.66');
    expect(await guess('192.0.2.66')).toBeGreaterThan(700);
    expect(await guess('192.0.2.67')).toBeLessThan(500);
  }, 30_000);

  it.each([
    ['a command instead of a header', Buffer.from('EHLO client.test\r\n')],
    ['a header that names no address', Buffer.from('PROXY TCP4 nowhere 127.0.0.1 1 2\r\n')],
    ['nothing until the deadline', Buffer.alloc(0)],
    ['the beginning of a header and then nothing', V2.subarray(0, 20)],
  ])('closes on %s without a word', async (_, bytes) => {
    const socket = connect({ host: '127.0.0.1', port: relay.ports.starttls, localAddress: PROXY });
    let got = '';
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    expect(got).toBe('');
  });

  it('takes PROXY from others for an unknown command, and believes nothing of it', async () => {
    const dialogue = await Dialogue.open(relay, 'starttls', { before: V1('192.0.2.8') });
    expect(await dialogue.reply()).toMatch(/^220 /);
    expect(await dialogue.reply()).toMatch(/^500 5\.5\.2 /);
    await dialogue.ask('EHLO client.test');
    await dialogue.ask('STARTTLS');
    await dialogue.startTls();
    expect(await sendAndReadReceived(dialogue, 'untrusted')).toBe('Received: from client.test ([127.0.0.1])');
    await expect(Dialogue.open(relay, 'tls', { before: V1('192.0.2.8') })).rejects.toThrow();
  });
});
