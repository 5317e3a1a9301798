/** swaks, on 587 and 465, the certificate verified. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const CONNECT = { 587: ['--port', '587', '--tls'], 465: ['--port', '465', '--tls-on-connect'] };

describe('swaks', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['swaks', 'libnet-ssleay-perl']);
  }, 120_000);

  afterAll(() => clients.stop());

  const send = (port: 587 | 465, password: string) =>
    clients.run({
      argv: [
        '/usr/bin/swaks',
        '--server',
        'relay.test',
        ...CONNECT[port],
        '--tls-verify',
        '--auth',
        'LOGIN',
        '--from',
        SENDER,
        '--to',
        RECIPIENT,
        '--header',
        'Subject: By swaks',
        '--body',
        'Hello!',
      ],
      env: { SWAKS_OPT_auth_user: clients.username, SWAKS_OPT_auth_password: password || clients.password },
    });

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    expect(await send(port, '')).toMatchObject({ code: 0 });
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(/Subject: By swaks\r\n[^]*\r\n\r\nHello!\r\n/);
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const ran = await send(port, 'wrong');
    expect(ran.code).toBe(28);
    expect(ran.output).toContain('535 5.7.8 Authentication credentials invalid');
  });
});
