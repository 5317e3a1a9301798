/** The dialogue of the documentation typed by hand into openssl s_client, on 587 and 465. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const CONNECT = {
  587: ['-starttls', 'smtp', '-connect', 'relay.test:587', '-crlf'],
  465: ['-connect', 'relay.test:465', '-crlf'],
};

describe('openssl s_client', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['openssl']);
  }, 120_000);

  afterAll(() => clients.stop());

  const base64 = (text: string) => Buffer.from(text).toString('base64');

  /** Types each line after the reply that it waits for. s_client takes a line that begins with R or Q for itself. */
  const talk = (port: 587 | 465, password: string) => {
    const steps: [RegExp, string][] = [
      // With -starttls the greeting is openssl's; the last line of its own EHLO is what shows first.
      [port === 465 ? /\n220 relay\.test ESMTP ready/ : /\n250 [A-Z]/, 'EHLO yourdomain.com'],
      [/\n250 [^]*\n250-relay|\n250-relay[^]*\n250 /, 'AUTH LOGIN'],
      [/334 VXNlcm5hbWU6/, base64(clients.username)],
      [/334 UGFzc3dvcmQ6/, base64(password)],
      [/235 2\.7\.0 Authentication successful/, `mail from:<${SENDER}>`],
      [/250 2\.1\.0 /, `rcpt to:<${RECIPIENT}>`],
      [/250 2\.1\.5 /, 'data'],
      [/354 /, `From: ${SENDER}\nSubject: By hand\n\nHello!\n.`],
      [/250 2\.0\.0 Ok: queued/, 'quit'],
    ];
    let at = 0;
    return clients.run({
      argv: ['/usr/bin/openssl', 's_client', ...CONNECT[port]],
      answer(output) {
        if (/\r\n535 /.test(output.slice(at)) || /^535 /m.test(output.slice(at))) {
          at = output.length;
          return 'quit\n';
        }
        const [expected, line] = steps[0] ?? [];
        const match = expected?.exec(output.slice(at));
        if (!match) return undefined;
        steps.shift();
        at += match.index + match[0].length;
        return `${line}\n`;
      },
    });
  };

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    const { output } = await talk(port, clients.password);
    expect(output).toContain('Verify return code: 0 (ok)');
    expect(output).toContain('235 2.7.0 Authentication successful');
    expect(output).toContain('221 2.0.0 Bye');
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(/Subject: By hand\r\n\r\nHello!\r\n/);
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const { output } = await talk(port, 'wrong');
    expect(output).toContain('535 5.7.8 Authentication credentials invalid');
  });
});
