import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { makeAuthority, signCertificate } from '../../pki/index.ts';
import { encodedWords, wireText } from './mail.ts';
import { sendMail } from './send.ts';

const HOST = 'relay.example.net';
let ca: string;
let certificate: { cert: string; key: string };
let server: Server | undefined;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  const authority = await makeAuthority('test', notBefore, notAfter);
  ca = authority.cert;
  const order = { commonName: HOST, dnsNames: [HOST], usage: 'server', notBefore, notAfter } as const;
  certificate = await signCertificate(authority, order);
});
afterEach(() => {
  server?.close();
});

/** A relay that answers each command by its first word; null: it goes away. What it was told is in `heard`. */
async function relayThat(answers: Record<string, string | null>): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = [];
  const usual: Record<string, string> = {
    EHLO: '250-hi\r\n250 STARTTLS',
    STARTTLS: '220 go',
    AUTH: '235 yes',
    MAIL: '250 ok',
    RCPT: '250 ok',
    DATA: '354 go',
    '.': '250 2.0.0 Queued as q1',
  };
  const serve = (socket: Socket): void => {
    let text = '';
    let isData = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        heard.push(line);
        if (isData && line !== '.') continue;
        const word = line.split(/[ :]/)[0]!;
        const answer = answers[word] === undefined ? usual[word] : answers[word];
        isData = word === 'DATA' && answer?.startsWith('354') === true;
        if (answer === null) socket.destroy();
        else if (answer !== undefined) socket.write(`${answer}\r\n`);
        if (word === 'STARTTLS') {
          socket.removeAllListeners('data');
          const secure = new TLSSocket(socket, {
            isServer: true,
            secureContext: createSecureContext(certificate),
          });
          serve(secure);
          return;
        }
      }
    });
  };
  server = createServer((socket) => {
    socket.write('220 hello\r\n');
    serve(socket);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, heard };
}

const mail = {
  messageId: '<m@x>',
  from: 'a@example.com',
  to: 'b@example.com',
  subject: 'Grüße',
  date: new Date('2026-06-01T12:00:00Z'),
  sentBy: 'shop/t',
  account: 'shop/app',
};
const send = (port: number, servername = HOST) =>
  sendMail(
    { address: '127.0.0.1', port, servername, ca },
    { username: 'user', password: 'pass' },
    { from: mail.from, to: mail.to, text: wireText(mail) },
  );

describe('sending', () => {
  test.each<[string, Record<string, string | null>, object]>([
    ['is accepted', {}, { kind: 'accepted', response: '250 2.0.0 Queued as q1' }],
    [
      'the login is refused, and the reply is not quoted',
      { AUTH: '535 5.7.8 dXNlcg==' },
      { kind: 'refused', isPermanent: true, response: '535 the login was refused' },
    ],
    [
      'the sender is refused',
      { MAIL: '550 5.7.1 no' },
      { kind: 'refused', isPermanent: true, response: '550 5.7.1 no' },
    ],
    [
      'the recipient is put off',
      { RCPT: '451 4.7.1 later' },
      { kind: 'refused', isPermanent: false, response: '451 4.7.1 later' },
    ],
    [
      'the content is refused',
      { '.': '554 5.6.0 bad' },
      { kind: 'refused', isPermanent: true, response: '554 5.6.0 bad' },
    ],
    ['STARTTLS is not offered', { STARTTLS: '502 no' }, { kind: 'unavailable' }],
    ['the relay goes away before the mail: nothing was sent', { DATA: null }, { kind: 'unavailable' }],
    ['the relay goes away after the mail: nobody knows', { '.': null }, { kind: 'unknown' }],
  ])('%s', async (_title, answers, outcome) => {
    const { port } = await relayThat(answers);
    expect(await send(port)).toMatchObject(outcome);
  });

  test('says what a client says, and the mail is complete', async () => {
    const { port, heard } = await relayThat({});
    await send(port);
    expect(heard.filter((line) => /^(MAIL|RCPT|DATA|\.$)/.test(line))).toEqual([
      'MAIL FROM:<a@example.com>',
      'RCPT TO:<b@example.com>',
      'DATA',
      '.',
    ]);
    expect(heard).toEqual(
      expect.arrayContaining(['Message-ID: <m@x>', 'Subject: =?UTF-8?B?R3LDvMOfZQ==?=', '']),
    );
  });

  test('to another host than the certificate names is not done', async () => {
    const { port, heard } = await relayThat({});
    expect(await send(port, 'other.example.net')).toMatchObject({ kind: 'unavailable' });
    expect(heard.join(' ')).not.toContain('AUTH');
  });
});

test.each([
  ['plain text stays', 'Hello', 'Hello'],
  ['what looks encoded is encoded', '=?UTF-8?B?eA==?=', /^=\?UTF-8\?B\?/],
  [
    'long text is cut between characters',
    'ü'.repeat(60),
    /^(=\?UTF-8\?B\?[A-Za-z0-9+/=]{1,60}\?=(\r\n )?){3}$/,
  ],
])('subject: %s', (_title, text, expected) => {
  const words = encodedWords(text);
  if (typeof expected === 'string') expect(words).toBe(expected);
  else expect(words).toMatch(expected);
});
