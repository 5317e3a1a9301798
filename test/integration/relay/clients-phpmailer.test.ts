/** PHPMailer with the statements of the documentation, on 587 and 465. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignClients, RECIPIENT, SENDER, startForeignClients } from './support/foreign-clients.ts';

const script = (encryption: string, port: number) => `
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\\PHPMailer\\PHPMailer;
$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = 'relay.test';
$mail->SMTPAuth = true;
$mail->Username = getenv('SMTP_USERNAME');
$mail->Password = getenv('SMTP_PASSWORD');
$mail->SMTPSecure = PHPMailer::${encryption};
$mail->Port = ${port};
$mail->setFrom('${SENDER}', 'Your Name');
$mail->addAddress('${RECIPIENT}');
$mail->Subject = 'Test email via MigoSMTP';
$mail->Body = 'Hello! This is a test email.';
$mail->send();
`;
const SCRIPTS = { 587: script('ENCRYPTION_STARTTLS', 587), 465: script('ENCRYPTION_SMTPS', 465) };

describe('PHPMailer', () => {
  let clients: ForeignClients;

  beforeAll(async () => {
    clients = await startForeignClients(['php8.2-cli', 'libphp-phpmailer']);
  }, 240_000);

  afterAll(() => clients.stop());

  it.each([587, 465] as const)('sends on port %d', async (port) => {
    expect(await clients.run({ argv: ['/usr/bin/php8.2', '-r', SCRIPTS[port]] })).toEqual({
      code: 0,
      output: '',
    });
    const { from, recipients, data } = await clients.arrived();
    expect({ from, recipients }).toEqual({ from: SENDER, recipients: [RECIPIENT] });
    expect(data.toString()).toMatch(
      /From: Your Name <hello@shop\.example>\r\n[^]*\r\n\r\nHello! This is a test email\.\r\n/,
    );
  });

  it.each([587, 465] as const)('is refused with a wrong password on port %d', async (port) => {
    const debug = SCRIPTS[port].replace('$mail->send();', '$mail->SMTPDebug = 2;\n$mail->send();');
    const ran = await clients.run({
      argv: ['/usr/bin/php8.2', '-r', debug],
      env: { SMTP_PASSWORD: 'wrong' },
    });
    expect(ran.code).not.toBe(0);
    expect(ran.output).toContain('535 5.7.8 Authentication credentials invalid');
    expect(ran.output).toContain('Could not authenticate');
  });
});
