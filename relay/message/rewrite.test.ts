import { describe, expect, it } from '@jest/globals';
import { parseHeader } from './header.ts';
import { rewriteHeader } from './rewrite.ts';

const trace = {
  queueId: 'Q1',
  hostname: 'relay.test',
  clientName: 'client.test',
  clientAddress: '192.0.2.1',
  tls: 'TLSv1.3 with cipher X',
  acceptedAt: new Date('2025-11-21T10:00:00Z'),
};

function rewrite(text: string, change: Partial<typeof trace> = {}) {
  const parsed = parseHeader(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return rewriteHeader(parsed.fields, { ...trace, ...change });
}

describe('rewriting the header', () => {
  it('puts Received on top and adds Message-ID and Date where they are missing', () => {
    expect(rewrite('From: a@x\r\n')).toEqual({
      text:
        'Received: from client.test ([192.0.2.1])\r\n\t(using TLSv1.3 with cipher X)\r\n' +
        '\tby relay.test with ESMTPSA id Q1;\r\n\tFri, 21 Nov 2025 10:00:00 +0000\r\n' +
        'Message-ID: <Q1@relay.test>\r\nDate: Fri, 21 Nov 2025 10:00:00 +0000\r\nFrom: a@x\r\n',
      messageId: '<Q1@relay.test>',
    });
  });

  it('keeps Message-ID and Date, removes Bcc and Return-Path, changes nothing else', () => {
    const kept = 'Message-ID: <m@x>\r\nDate: d\r\nSubject: s\r\n t\r\n';
    const { text, messageId } = rewrite(`Bcc: b@x,\r\n c@x\r\nReturn-Path: <x>\r\n${kept}BCC: d@x\r\n`);
    expect(text.slice(text.indexOf('Message-ID'))).toBe(kept);
    expect(messageId).toBe('<m@x>');
  });

  it('replaces a Message-ID that is none', () => {
    const { text, messageId } = rewrite('Message-ID: nonsense\r\nDate: d\r\n');
    expect(messageId).toBe('<Q1@relay.test>');
    expect(text).not.toContain('nonsense');
  });

  it('lets no client write into Received', () => {
    const { text } = rewrite('Date: d\r\n', { clientName: 'x)\r\nEvil: y;(', clientAddress: '2001:db8::1' });
    expect(text).toContain('from x???Evil:?y?? ([IPv6:2001:db8::1])');
  });
});
