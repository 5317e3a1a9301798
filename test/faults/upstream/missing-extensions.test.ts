/** RELIABILITY, Upstream: no SIZE, 8BITMIME or SMTPUTF8 upstream: converted, or bounced with the right code; and a bounce of a bounce. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';

const EIGHT_BIT = { text: 'From: hello@shop.example\r\nSubject: Gr\xfc\xdfe\r\n\r\n\xe4\r\n' };
const SIGNED = {
  text:
    'From: hello@shop.example\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n' +
    '--b\r\n\r\n\xe4\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n',
};
const UTF8 = { recipients: ['ø@example.com'], smtpUtf8: true };

describe('a next hop without extensions', () => {
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeEach(async () => {
    upstream = await startHostile();
    relay = await startDelivery({ settings: settingsFor(smarthost(upstream.port)) });
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });

  it.each([
    ['a message above its SIZE', ['SIZE 50'], {}, '552 5.3.4'],
    ['an 8-bit header without 8BITMIME', ['SIZE'], EIGHT_BIT, '554 5.6.3'],
    ['signed 8-bit content without 8BITMIME', ['SIZE'], SIGNED, '554 5.6.3'],
    ['an address beyond ASCII without SMTPUTF8', ['8BITMIME'], UTF8, '553 5.6.7'],
  ])('%s bounces, and the bounce is one that it takes', async (_, extensions, message, code) => {
    upstream.script = { extensions };
    const queueId = await relay.submit(message);
    const [report] = await relay.untilStatus(queueId, 'bounced');
    expect(report?.response).toContain(code);
    expect(upstream.messages.filter(({ envelope }) => !envelope[0]?.includes('<>'))).toEqual([]);
    if (code === '552 5.3.4') return;
    await waitFor(() => upstream.messages.length > 0, { what: 'the bounce' });
    // eslint-disable-next-line no-control-regex -- 7-bit is what is shown
    expect(upstream.messages[0]?.data).toMatch(/^[\x00-\x7f]*$/);
  });

  it.each([
    ['from memory', 1, undefined],
    ['too large for memory', 20_000, 'stored'],
  ])('8-bit text without 8BITMIME is converted %s, its size declared as sent', async (_, lines, stored) => {
    upstream.script = { extensions: ['SIZE 9000000'] };
    const header = 'Message-ID: <m@shop.example>\r\nFrom: hello@shop.example\r\nMIME-Version: 1.0\r\n';
    const label = 'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: ';
    const text = `${header}${label}8bit\r\n\r\n${'Gr\xfc\xdfe\r\n'.repeat(lines)}`;
    await relay.untilStatus(await relay.submit(stored ? await relay.inFile(text) : { text }), 'delivered');
    const sent = `${header}${label}quoted-printable\r\n\r\n${'Gr=FC=DFe\r\n'.repeat(lines)}`;
    expect(`${upstream.messages[0]?.data}\r\n` === sent).toBe(true);
    expect(upstream.messages[0]?.envelope[0]).toBe(`MAIL FROM:<hello@shop.example> SIZE=${sent.length}`);
  });

  it('takes plain mail without any extension', async () => {
    await relay.untilStatus(await relay.submit(), 'delivered');
    expect(upstream.messages[0]?.envelope).toEqual([
      'MAIL FROM:<hello@shop.example>',
      'RCPT TO:<x@example.com>',
    ]);
  });

  it('drops the bounce of a bounce, and counts it', async () => {
    upstream.script = { RCPT: '550 5.2.1 nobody' };
    await relay.untilStatus(await relay.submit(), 'bounced');
    await relay.untilMetric('bounces_total{result="dropped"}', 1);
    expect(await relay.metric('bounces_total{result="sent"}')).toBe(1);
    expect(upstream.messages).toEqual([]);
    expect(await relay.spool.nextDue()).toBeNull();
  });
});
