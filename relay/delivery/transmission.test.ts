import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { OutgoingMessage } from './target.ts';
import { Transmission } from './transmission.ts';
import { Wire } from './wire.ts';

const PIPELINING = ['PIPELINING'];
const MAIL = 'MAIL FROM:<a@shop.example>\r\n';
const [ONE, TWO] = ['RCPT TO:<one@example.com>\r\n', 'RCPT TO:<two@example.com>\r\n'];
const CONTENT = 'Subject: x\r\n\r\n..dot\r\n.\r\n';

const servers: Server[] = [];
const accepted: Socket[] = [];
afterEach(() => {
  for (const socket of accepted.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Each step: what must arrive next, and what is then said, in pieces as given. */
type Step = readonly [expected: string, ...said: string[]];

/** A next hop that follows the script to the letter, and tells what came that it did not expect. */
async function play(steps: readonly Step[], options: Partial<OutgoingMessage> & { offers?: string[] } = {}) {
  let unexpected = '';
  const server = createServer((socket) => {
    accepted.push(socket);
    // The other side leaves in the middle where it is offended.
    socket.on('error', () => socket.destroy());
    const left = [...steps];
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk.toString();
      for (let step = left[0]; step && got.startsWith(step[0]); step = left[0]) {
        got = got.slice(step[0].length);
        left.shift();
        void say(socket, step.slice(1));
      }
      unexpected = got;
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  await once(socket, 'connect');
  let ended = false;
  const wire = new Wire(socket, () => (ended = true));
  const { offers = PIPELINING, ...message } = options;
  const transmission = new Transmission(wire, outgoing(message), offers);
  const result = await transmission.run().catch((error: unknown) => String(error));
  socket.destroy();
  return { result, begun: transmission.begun, ended, unexpected };
}

async function say(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    if (piece === 'close') socket.destroy();
    else if (!socket.destroyed) await new Promise((resolve) => socket.write(piece, resolve));
  }
}

function outgoing(change: Partial<OutgoingMessage>): OutgoingMessage {
  return {
    from: 'a@shop.example',
    recipients: ['one@example.com', 'two@example.com'],
    size: 20,
    eightBit: false,
    prefix: '',
    content: { kind: 'inline', data: Buffer.from('Subject: x\r\n\r\n.dot\r\n') },
    ...change,
  };
}

function codes(result: unknown): unknown {
  if (typeof result === 'string') return result;
  const { replies, isComplete } = result as Awaited<ReturnType<Transmission['run']>>;
  return [isComplete, ...replies.map(({ code, text }) => `${code} ${text}`)];
}

describe('transmission', () => {
  it('sends envelope and DATA at once where the next hop takes them so, and the content after its consent', async () => {
    const { result, unexpected } = await play([
      [`${MAIL}${ONE}${TWO}DATA\r\n`, '250 a\r\n250 b\r\n250 c\r\n354 go\r\n'],
      [CONTENT, '250 2.0.0 taken as 1\r\n'],
    ]);
    expect(codes(result)).toEqual([true, '250 250 2.0.0 taken as 1', '250 250 2.0.0 taken as 1']);
    expect(unexpected).toBe('');
  });

  it('goes step by step where it does not', async () => {
    const { result } = await play(
      [
        [MAIL, '250 a\r\n'],
        [ONE, '250 b\r\n'],
        [TWO, '550 5.1.1 no\r\n'],
        ['DATA\r\n', '354 go\r\n'],
        [CONTENT, '250 taken\r\n'],
      ],
      { offers: [] },
    );
    expect(codes(result)).toEqual([true, '250 250 taken', '550 550 5.1.1 no']);
  });

  it('asks for no DATA step by step when nobody was taken', async () => {
    const steps: Step[] = [
      [MAIL, '250 a\r\n'],
      [ONE, '450 later\r\n'],
      [TWO, '550 no\r\n'],
    ];
    const { result, unexpected } = await play(steps, { offers: [] });
    expect(codes(result)).toEqual([false, '450 450 later', '550 550 no']);
    expect(unexpected).toBe('');
  });

  it('gives no content to a next hop that takes DATA for nobody', async () => {
    const { result, begun } = await play([
      [`${MAIL}${ONE}${TWO}DATA\r\n`, '250 a\r\n550 no\r\n550 no\r\n354 go\r\n'],
      ['.\r\n', '554 no valid recipients\r\n'],
    ]);
    expect(codes(result)).toEqual([false, '550 550 no', '550 550 no']);
    expect(begun).toBe(false);
  });

  it('counts a refused MAIL or DATA for each recipient that was not refused itself', async () => {
    const envelope = `${MAIL}${ONE}${TWO}DATA\r\n`;
    const mail = await play([[envelope, '451 4.3.2 later\r\n503 x\r\n503 x\r\n503 x\r\n']]);
    expect(codes(mail.result)).toEqual([false, '451 451 4.3.2 later', '451 451 4.3.2 later']);
    const data = await play([[envelope, '250 a\r\n250 b\r\n550 no\r\n452 4.3.1 full\r\n']]);
    expect(codes(data.result)).toEqual([false, '452 452 4.3.1 full', '550 550 no']);
  });

  it('understands replies of several lines, cut anywhere', async () => {
    const pieces = Array.from('250-a\r\n250 b\r\n250 c\r\n250 d\r\n354 go\r\n');
    const { result } = await play([
      [`${MAIL}${ONE}${TWO}DATA\r\n`, ...pieces],
      [CONTENT, '250-2.0.0 taken\r\n', '250 2.0.0 all of it\r\n'],
    ]);
    expect(codes(result)).toEqual([
      true,
      ...Array<string>(2).fill('250 250-2.0.0 taken 250 2.0.0 all of it'),
    ]);
  });

  it('takes 421 as the answer to whatever else was asked, and the session as ended', async () => {
    const { result, ended, begun } = await play([
      [`${MAIL}${ONE}${TWO}DATA\r\n`, '250 a\r\n421 4.3.2 going down\r\n', 'close'],
    ]);
    expect(codes(result)).toEqual([false, '421 421 4.3.2 going down', '421 421 4.3.2 going down']);
    expect([ended, begun]).toEqual([true, false]);
  });

  it.each([
    ['before the content: nothing can have arrived', [] as Step[], false],
    ['behind the final dot: it may have arrived', [[CONTENT, 'close']] as Step[], true],
  ])('fails when the connection ends %s', async (_, rest, begun) => {
    const replies = rest.length > 0 ? ['250 a\r\n250 b\r\n250 c\r\n354 go\r\n'] : ['close'];
    const played = await play([[`${MAIL}${ONE}${TWO}DATA\r\n`, ...replies], ...rest]);
    expect(played.result).toContain('closed unexpectedly');
    expect(played.begun).toBe(begun);
  });

  it.each([
    ['is no reply', 'hello\r\n', 'what is no reply'],
    ['never ends', '250-x\r\n'.repeat(20_000), 'exceeds maximum'],
    ['is one line without end', 'x'.repeat(100_000), 'exceeds maximum'],
  ])('fails when what comes %s', async (_, said, cause) => {
    const { result } = await play([[`${MAIL}${ONE}${TWO}DATA\r\n`, said, '250 x\r\n'.repeat(4)]]);
    expect(result).toContain(cause);
  });

  it('streams what is too large for memory, and passes on what the next hop offers', async () => {
    const parts = ['Subject: x\r\n\r\n', '.dot', '\r\n'].map((part) => Buffer.from(part));
    const { result } = await play(
      [
        [
          'MAIL FROM:<a@shop.example> BODY=8BITMIME SIZE=20 RET=HDRS ENVID=a+2Bb\r\n' +
            'RCPT TO:<one@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;one@example.com\r\nDATA\r\n',
          '250 a\r\n250 b\r\n354 go\r\n',
        ],
        [CONTENT, '250 taken\r\n'],
      ],
      {
        offers: ['PIPELINING', '8BITMIME', 'SIZE', 'DSN'],
        recipients: ['one@example.com'],
        eightBit: true,
        dsn: { ret: 'HDRS', envid: 'a+b', notify: ['FAILURE', 'DELAY'], orcpt: 'one@example.com' },
        content: {
          kind: 'stored',
          async *read() {
            yield* parts;
          },
        },
      },
    );
    expect(codes(result)).toEqual([true, '250 250 taken']);
  });
});
