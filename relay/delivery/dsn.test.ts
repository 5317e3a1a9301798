import { describe, expect, it } from '@jest/globals';
import type { ClaimedMessage, DsnRequest, RecipientOutcome } from '../spool/index.ts';
import { notificationMessage } from './dsn.ts';
import { DELAY_AFTER_MS, noticesOf, suppressionsOf } from './notices.ts';
import type { Original } from './returned-content.ts';

const recipient = { id: 1, address: 'gone@x.example', attempts: 0, expiresAt: Date.UTC(2025, 0, 6) };

function message(change: Partial<ClaimedMessage> = {}): ClaimedMessage {
  return {
    queueId: 'Q1',
    messageId: '<m@shop.example>',
    kind: 'submission',
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
    recipients: [recipient],
    ...change,
  };
}

function outcome(change: Partial<RecipientOutcome> = {}): RecipientOutcome {
  const base = { id: 1, status: 'bounced' as const, response: '550 5.1.1 no', remoteHost: 'mx [192.0.2.1]' };
  return { ...base, attempted: true, ...change };
}

const header: Original = { kind: 'header', bytes: Buffer.from('Subject: s\r\n\r\n') };

function notification(
  change: { message?: ClaimedMessage; outcome?: RecipientOutcome; original?: Original } = {},
) {
  const about = change.message ?? message();
  const facts = { nowMs: DELAY_AFTER_MS, dsnPassed: false };
  const notices = noticesOf(about, [change.outcome ?? outcome()], facts);
  const built = notificationMessage({
    message: about,
    notices,
    original: change.original ?? header,
    hostname: 'relay.test',
    queueId: 'Q2',
    nowMs: 0,
    lifetimeMs: 1,
  });
  return { ...built, text: built.body.kind === 'inline' ? Buffer.from(built.body.data).toString() : '' };
}

function asking(notify: DsnRequest['recipients'][string]['notify'], orcpt: string | null = null): DsnRequest {
  return { ret: null, envid: null, recipients: { [recipient.address]: { notify, orcpt } } };
}

describe('notification', () => {
  it('goes from the null sender to the sender, and says so of itself', () => {
    const sent = notification();
    expect(sent).toMatchObject({ kind: 'dsn', envelopeFrom: '', recipients: ['hello@shop.example'] });
    expect(sent.text).toContain('\r\nAuto-Submitted: auto-replied\r\n');
  });

  it.each([
    ['550 5.1.1 no such user', '5.1.1'],
    ['552-5.2.2 full', '5.2.2'],
    ['550 no', '5.0.0'],
    ['550 4.1.1 contradicts itself', '5.0.0'],
  ])('takes the status of %j', (response, status) => {
    const { text } = notification({ outcome: outcome({ response }) });
    expect(text).toContain(`\r\nStatus: ${status}\r\n`);
    expect(text).toContain('Content-Type: text/rfc822-headers\r\n\r\nSubject: s\r\n');
  });

  it('lets no reply add lines', () => {
    const { text } = notification({ outcome: outcome({ response: '550 x\r\nEvil: y\0\u001b[2J' }) });
    expect(text).not.toMatch(/^Evil/m);
    expect(['\0', '\u001b'].filter((byte) => text.includes(byte))).toEqual([]);
  });

  it('names the envelope id and the original recipient that the sender gave', () => {
    const dsn = { ...asking(['FAILURE'], 'rfc822;old@x.example'), envid: 'order 17' };
    const { text } = notification({ message: message({ dsn }) });
    expect(text).toContain('Original-Envelope-Id: order 17\r\nReporting-MTA: dns; relay.test\r\n');
    expect(text).toContain(
      'Original-Recipient: rfc822;old@x.example\r\nFinal-Recipient: rfc822; gone@x.example\r\n',
    );
  });

  it('stays ASCII with addresses, replies and headers beyond it', () => {
    const utf8 = { ...recipient, address: 'ø@x.example' };
    const sent = notification({
      message: message({ recipients: [utf8] }),
      outcome: outcome({ response: '550 5.1.1 nej – ø' }),
      original: { kind: 'header', bytes: Buffer.from(`Subject: ${'ø='.repeat(60)} \r\n`, 'utf8') },
    });
    expect(sent.eightBit).toBe(false);
    expect(sent.text).toContain('Final-Recipient: utf-8; \\x{F8}@x.example\r\n');
    const encoded = /quoted-printable\r\n\r\n([^]*?)\r\n\r\n--/.exec(sent.text)?.[1] ?? '';
    expect(Math.max(...encoded.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(76);
    const decoded = encoded
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    expect(Buffer.from(decoded, 'latin1').toString()).toBe(`Subject: ${'ø='.repeat(60)}`);
  });

  it('brings all of the message back, 8-bit content as message/global', () => {
    const plain = notification({
      original: { kind: 'message', bytes: Buffer.from('Subject: s\r\n\r\nbody\r\n') },
    });
    expect(plain.text).toContain('Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nbody\r\n');
    const bytes = Buffer.from(`Subject: s\r\n\r\n${'ä'.repeat(100)}\r\n`, 'utf8');
    const { text } = notification({ original: { kind: 'message', bytes } });
    const encoded =
      /message\/global\r\nContent-Transfer-Encoding: base64\r\n\r\n([^-]*)/.exec(text)?.[1] ?? '';
    expect(Buffer.from(encoded, 'base64')).toEqual(bytes);
  });
});

describe('who is told', () => {
  const later = { nowMs: DELAY_AFTER_MS, dsnPassed: false };
  const deferred = outcome({ status: 'deferred', response: '451 later' });
  const delivered = outcome({ status: 'delivered', response: '250 ok' });
  it.each([
    ['a failure without a wish', undefined, outcome(), later, 'failed'],
    ['a suppressed recipient', undefined, outcome({ status: 'suppressed' }), later, 'failed'],
    ['a failure with NEVER', asking(['NEVER']), outcome(), later, undefined],
    ['a failure where only success was asked for', asking(['SUCCESS']), outcome(), later, undefined],
    ['a delivery without a wish', undefined, delivered, later, undefined],
    ['a delivery with SUCCESS', asking(['SUCCESS', 'FAILURE']), delivered, later, 'relayed'],
    [
      'a delivery with SUCCESS that the next hop reports',
      asking(['SUCCESS']),
      delivered,
      { ...later, dsnPassed: true },
      undefined,
    ],
    ['a deferral after four hours', undefined, deferred, later, 'delayed'],
    ['a deferral before four hours', undefined, deferred, { ...later, nowMs: DELAY_AFTER_MS - 1 }, undefined],
    ['a deferral where only failure was asked for', asking(['FAILURE']), deferred, later, undefined],
  ])('%s', (_, dsn, result, facts, action) => {
    const [notice] = noticesOf(message(dsn && { dsn }), [result], facts);
    expect(notice?.action).toBe(action);
  });

  it('is not told of a delay twice', () => {
    const told = message({ recipients: [{ ...recipient, delayNotified: true }] });
    expect(noticesOf(told, [deferred], later)).toEqual([]);
  });
});

describe('who is suppressed', () => {
  it.each([
    ['550 5.1.1 no such user', true],
    ['551 5.1.6 moved', true],
    ['556 5.1.10 null MX', true],
    ['550 5.1.2 no such domain', false],
    ['552 5.2.2 full', false],
    ['550 5.7.1 spam', false],
    ['550 no such user', false],
  ])('%j: %s', (response, hard) => {
    expect(suppressionsOf(message(), [outcome({ response })], 7)).toEqual(
      hard
        ? [{ namespace: 'shop', recipient: 'gone@x.example', reason: response, queueId: 'Q1', at: 7 }]
        : [],
    );
  });

  it('nobody for a deferral, or for mail of the relay itself', () => {
    const hard = { response: '550 5.1.1 no' };
    expect(suppressionsOf(message(), [outcome({ ...hard, status: 'deferred' })], 7)).toEqual([]);
    expect(suppressionsOf(message({ kind: 'dsn' }), [outcome(hard)], 7)).toEqual([]);
  });
});
