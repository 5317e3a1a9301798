import { describe, expect, it } from '@jest/globals';
import { bounceMessage } from './dsn.ts';

const message = {
  queueId: 'Q1',
  messageId: '<m@shop.example>',
  kind: 'submission' as const,
  accountId: 'a',
  namespace: 'shop',
  account: 'checkout',
  username: 'u',
  verifier: 'r1',
  envelopeFrom: 'hello@shop.example',
  signingDomain: 'shop.example',
  headerSize: 10,
  size: 100,
  eightBit: false,
  smtpUtf8: false,
  acceptedAt: 0,
};

function bounce(response: string) {
  return bounceMessage({
    message,
    failed: [{ address: 'gone@x.example', response, remoteHost: 'mx [192.0.2.1]' }],
    header: 'Subject: s\r\n',
    hostname: 'relay.test',
    queueId: 'Q2',
    nowMs: 0,
    lifetimeMs: 1,
  });
}

describe('bounce', () => {
  it('goes from the null sender to the sender, and says so of itself', () => {
    expect(bounce('550 5.1.1 no')).toMatchObject({
      kind: 'dsn',
      envelopeFrom: '',
      recipients: ['hello@shop.example'],
    });
  });

  it.each([
    ['550 5.1.1 no such user', '5.1.1'],
    ['552-5.2.2 full', '5.2.2'],
    ['550 no', '5.0.0'],
  ])('takes the status of %j', (response, status) => {
    const { body } = bounce(response);
    const text = body.kind === 'inline' ? Buffer.from(body.data).toString() : '';
    expect(text).toContain(`\r\nStatus: ${status}\r\n`);
    expect(text).toContain('\r\n\r\nSubject: s\r\n');
  });

  it('lets no reply add lines', () => {
    const { body } = bounce('550 x\r\nEvil: y\0\u001b[2J');
    const text = body.kind === 'inline' ? Buffer.from(body.data).toString() : '';
    expect(text).not.toMatch(/^Evil/m);
    expect(['\0', '\u001b'].filter((byte) => text.includes(byte))).toEqual([]);
  });
});
