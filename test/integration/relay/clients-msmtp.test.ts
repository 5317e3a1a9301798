/** msmtp, on 587 and 465. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const CONNECT = { 587: ['--port=587', '--tls-starttls=on'], 465: ['--port=465', '--tls-starttls=off'] };
const MESSAGE = `From: ${SENDER}\nTo: ${RECIPIENT}\nSubject: By msmtp\n\nHello!\n.\nbye\n`;

describe('msmtp', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['msmtp']);
  }, 120_000);

  afterAll(() => clients.stop());

  const send = (port: 587 | 465, password: string) =>
    clients.run({
      argv: [
        '/usr/bin/msmtp',
        '--host=relay.test',
        ...CONNECT[port],
        '--tls=on',
        '--auth=login',

        `--user=${clients.username}`,
        '--passwordeval=printenv SMTP_PASSWORD',
        `--from=${SENDER}`,
        RECIPIENT,
      ],
      input: MESSAGE,
      ...(password && { env: { SMTP_PASSWORD: password } }),
    });

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    expect(await send(port, '')).toEqual({ code: 0, output: '' });
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(/Subject: By msmtp\r\n\r\nHello!\r\n\.\r\nbye\r\n$/);
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const ran = await send(port, 'wrong');
    expect(ran.code).toBe(77);
    expect(ran.output).toContain('535 5.7.8 Authentication credentials invalid');
  });
});
