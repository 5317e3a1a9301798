/** curl, on 587 and 465. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const URLS = { 587: ['smtp://relay.test:587', '--ssl-reqd'], 465: ['smtps://relay.test:465'] };
const MESSAGE = `From: ${SENDER}\r\nTo: ${RECIPIENT}\r\nSubject: By curl\r\n\r\nHello!\r\n.\r\nbye\r\n`;

describe('curl', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['curl']);
  }, 120_000);

  afterAll(() => clients.stop());

  const send = (port: 587 | 465, password: string) => {
    const envelope = ['--mail-from', SENDER, '--mail-rcpt', RECIPIENT];
    // The password is not on the command line, where others on the machine could read it.
    const script = `curl -sSv -K <(printf 'user = "%s:%s"' "$SMTP_USERNAME" "$SMTP_PASSWORD") "$@" --upload-file -`;
    return clients.run({
      argv: ['bash', '-c', script, 'curl', ...URLS[port], ...envelope],
      input: MESSAGE,
      ...(password && { env: { SMTP_PASSWORD: password } }),
    });
  };

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    expect(await send(port, '')).toMatchObject({ code: 0 });
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(/Subject: By curl\r\n\r\nHello!\r\n\.\r\nbye\r\n$/);
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const ran = await send(port, 'wrong');
    expect(ran.code).toBe(67);
    expect(ran.output).toContain('< 535 5.7.8 Authentication credentials invalid');
  });
});
