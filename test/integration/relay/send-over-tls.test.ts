/** Mail by Python's smtplib over STARTTLS and over TLS reaches the sink unchanged, with a report. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { python } from './support/python.ts';
import { PASSWORD, startRelay, type TestRelay, USERNAME } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const SCRIPT = `
import os, smtplib, ssl, sys
from email.mime.text import MIMEText
msg = MIMEText('Hello! This is a test email.\\n.leading dot\\n')
msg['Subject'] = 'Test email'
msg['From'] = 'hello@shop.example'
msg['To'] = 'someone@example.com'
context = ssl.create_default_context()
if sys.argv[1] == 'starttls':
    s = smtplib.SMTP(os.environ['HOST'], int(os.environ['PORT_STARTTLS']))
    print(s.ehlo()[1].decode().replace('\\n', ' '))
    s.starttls(context=context)
else:
    s = smtplib.SMTP_SSL(os.environ['HOST'], int(os.environ['PORT_TLS']), context=context)
s.ehlo()
print(s.esmtp_features.get('auth'))
print(s.login('${USERNAME}', '${PASSWORD}'))
s.send_message(msg)
print(s.quit())
`;

describe('sending over TLS', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it.each(['starttls', 'tls'])('delivers a message submitted over %s and reports it', async (mode) => {
    sink.received.length = 0;
    const result = await python(relay, SCRIPT, [mode]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain("(235, b'2.7.0 Authentication successful')");
    expect(result.stdout).toContain('LOGIN PLAIN');
    if (mode === 'starttls') expect(result.stdout.split('\n')[0]).not.toContain('AUTH');
    const [message] = await sink.waitFor(1);
    expect(message).toMatchObject({ from: 'hello@shop.example', recipients: ['someone@example.com'] });
    const text = message?.data.toString() ?? '';
    expect(text).toMatch(/^Received: from .*ESMTPSA id \w+;/s);
    expect(text).toContain('\r\n\r\nHello! This is a test email.\r\n.leading dot\r\n');
    expect(text).toMatch(/^Message-ID: <\w+@relay\.test>\r$/m);
    const queueId = /ESMTPSA id (\w+)/.exec(text)?.[1];
    const report = await waitFor(
      async () => {
        const page = await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}`);
        return page.items.find((item) => item.status === 'delivered');
      },
      { what: 'the delivery report' },
    );
    expect(report).toMatchObject({
      namespace: 'shop',
      account: 'checkout',
      recipient: 'someone@example.com',
      response: '250 2.0.0 taken',
      attempts: 1,
    });
  });

  it('counts the mail as used by account and workspace', async () => {
    const usage = await relay.get<relayApi.UsageResponse>('/v1/usage?namespace=shop');
    expect(usage.accounts[0]).toMatchObject({ username: USERNAME, month: { used: 2, quota: null } });
    expect(usage.workspaces[0]).toMatchObject({ namespace: 'shop', day: { used: 2 } });
    expect(usage.accounts[0]?.verifiers).toEqual([{ id: 'r1', lastUsedAt: expect.any(String) }]);
  });
});
