/** Python's smtplib with the statements of the documentation, on 587 and 465. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const BEGIN = `
import os, smtplib
from email.mime.text import MIMEText
msg = MIMEText('Hello! This is a test email.')
msg['Subject'] = 'Test email via MigoSMTP'
msg['From'] = '${SENDER}'
msg['To'] = '${RECIPIENT}'
`;
const SCRIPTS = {
  587: `${BEGIN}
with smtplib.SMTP('relay.test', 587) as s:
    s.starttls()
    s.login(os.environ['SMTP_USERNAME'], os.environ['SMTP_PASSWORD'])
    s.send_message(msg)
`,
  465: `${BEGIN}
with smtplib.SMTP_SSL('relay.test', 465) as s:
    s.login(os.environ['SMTP_USERNAME'], os.environ['SMTP_PASSWORD'])
    s.send_message(msg)
`,
};

describe('Python', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['python3']);
  }, 120_000);

  afterAll(() => clients.stop());

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    expect(await clients.run({ argv: ['/usr/bin/python3', '-c', SCRIPTS[port]] })).toEqual({
      code: 0,
      output: '',
    });
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(
      /Subject: Test email via MigoSMTP\r\n[^]*\r\n\r\nHello! This is a test email\.\r\n$/,
    );
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const ran = await clients.run({
      argv: ['/usr/bin/python3', '-c', SCRIPTS[port]],
      env: { SMTP_PASSWORD: 'wrong' },
    });
    expect(ran.code).not.toBe(0);
    expect(ran.output).toContain(
      "SMTPAuthenticationError: (535, b'5.7.8 Authentication credentials invalid')",
    );
  });
});
