/** A next hop that records what it gets and answers as told: a small SMTP server on bare sockets. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { waitFor } from './wait.ts';

export interface Received {
  readonly from: string;
  readonly recipients: readonly string[];
  /** Dot-unstuffed bytes. */
  readonly data: Buffer;
  readonly at: number;
}

export interface SinkScript {
  /** Replies instead of the default ones; undefined: the default. */
  mail?: (line: string) => string | undefined;
  rcpt?: (line: string) => string | undefined;
  /** After the final dot; `drop` closes without an answer. A promise delays the answer. */
  dot?: (message: Received) => string | undefined | Promise<string | undefined>;
  auth?: (line: string) => string | undefined;
  ehlo?: readonly string[];
}

export interface Sink {
  readonly port: number;
  readonly received: Received[];
  script: SinkScript;
  /** Waits until `count` messages are here. */
  waitFor(count: number, timeoutMs?: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

export async function startSink(port = 0): Promise<Sink> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const sink: { script: SinkScript } = { script: {} };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    converse(socket, received, () => sink.script);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : 0;
  return Object.assign(sink, {
    port: bound,
    received,
    async waitFor(count: number, timeoutMs = 15_000) {
      await waitFor(() => received.length >= count, { what: `${count} messages at the sink`, timeoutMs });
      return received;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

function converse(socket: Socket, received: Received[], script: () => SinkScript): void {
  let buffer = Buffer.alloc(0);
  let inData = false;
  let from = '';
  let recipients: string[] = [];
  const say = (line: string) => socket.write(`${line}\r\n`);
  say('220 sink ESMTP');
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') {
      const lines = ['sink', ...(script().ehlo ?? ['8BITMIME', 'SIZE 50000000', 'PIPELINING', 'AUTH PLAIN'])];
      lines.forEach((text, i) => say(`250${i < lines.length - 1 ? '-' : ' '}${text}`));
    } else if (verb === 'MAIL') {
      from = /<(.*?)>/.exec(line)?.[1] ?? '';
      recipients = [];
      say(script().mail?.(line) ?? '250 2.1.0 ok');
    } else if (verb === 'RCPT') {
      const reply = script().rcpt?.(line) ?? '250 2.1.5 ok';
      if (reply.startsWith('2')) recipients.push(/<(.*?)>/.exec(line)?.[1] ?? '');
      say(reply);
    } else if (verb === 'DATA') {
      inData = recipients.length > 0;
      say(inData ? '354 go on' : '503 no recipients');
    } else if (verb === 'AUTH') {
      say(script().auth?.(line) ?? '235 2.7.0 ok');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else {
      say(['RSET', 'NOOP'].includes(verb) ? '250 ok' : '502 5.5.1 not here');
    }
  };
  const endOfData = (data: Buffer) => {
    inData = false;
    const message: Received = { from, recipients, data, at: Date.now() };
    const reply = script().dot?.(message);
    if (reply instanceof Promise) void reply.then((late) => conclude(message, late));
    else conclude(message, reply);
  };
  const conclude = (message: Received, reply = '250 2.0.0 taken') => {
    if (reply === 'drop') {
      received.push(message);
      socket.destroy();
      return;
    }
    if (reply.startsWith('2')) received.push(message);
    say(reply);
  };
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      if (inData) {
        const start = buffer.subarray(0, 3).equals(Buffer.from('.\r\n'))
          ? 0
          : buffer.indexOf('\r\n.\r\n') + 2;
        if (start === 1) return;
        const data = buffer.subarray(0, start);
        buffer = buffer.subarray(start + 3);
        endOfData(Buffer.from(data.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1'));
      } else {
        const end = buffer.indexOf('\r\n');
        if (end === -1) return;
        const line = buffer.toString('latin1', 0, end);
        buffer = buffer.subarray(end + 2);
        command(line);
      }
    }
  });
}
