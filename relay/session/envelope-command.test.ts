import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseMail, parseRcpt } from './envelope-command.ts';

const mail = (text: string, maxSize = 1_000) => parseMail(Buffer.from(text), maxSize);
const rcpt = (text: string, utf8 = false) => parseRcpt(Buffer.from(text), utf8);
const code = (parsed: ReturnType<typeof mail> | ReturnType<typeof rcpt>) =>
  parsed.ok ? 'taken' : `${parsed.reply.code} ${parsed.reply.enhanced}`;

describe('MAIL', () => {
  it.each([
    ['MAIL FROM:<a@b.example>', 'a@b.example'],
    ['mail from: <a@b.example>  ', 'a@b.example'],
    ['MAIL FROM:<>', ''],
    ['MAIL FROM:<@one.example,@two.example:a@b.example>', 'a@b.example'],
    ['MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME AUTH=<>', 'a@b.example'],
  ])('reads %s', (text, address) => {
    expect(mail(text)).toMatchObject({ ok: true, command: { address } });
  });

  it('reads what is asked of notifications, decoded from xtext', () => {
    expect(mail('MAIL FROM:<a@b.example> RET=hdrs ENVID=order+2B17+20x SMTPUTF8')).toEqual({
      ok: true,
      command: { address: 'a@b.example', size: 0, smtpUtf8: true, ret: 'HDRS', envid: 'order+17 x' },
    });
  });

  it.each([
    ['no brackets', 'MAIL FROM:a@b.example', '501 5.1.7'],
    ['no path', 'MAIL FROM:', '501 5.1.7'],
    ['two @', 'MAIL FROM:<a@b@c.example>', '501 5.1.7'],
    ['a space within', 'MAIL FROM:<a b@c.example>', '501 5.1.7'],
    ['a bare CR within', 'MAIL FROM:<a\rb@c.example>', '501 5.1.7'],
    ['a NUL within', 'MAIL FROM:<a\0b@c.example>', '501 5.1.7'],
    ['a CR behind', 'MAIL FROM:<a@c.example> SIZE=1\r', '501 5.1.7'],
    ['text behind the path', 'MAIL FROM:<a@b.example>x', '501 5.1.7'],
    ['a long local part', `MAIL FROM:<${'x'.repeat(65)}@b.example>`, '501 5.1.7'],
    ['a long path', `MAIL FROM:<a@${'x.'.repeat(125)}example>`, '501 5.1.7'],
    ['a size that is none', 'MAIL FROM:<a@b.example> SIZE=-1', '501 5.5.4'],
    ['a size above the limit', 'MAIL FROM:<a@b.example> SIZE=1001', '552 5.3.4'],
    ['a body that is binary', 'MAIL FROM:<a@b.example> BODY=BINARYMIME', '501 5.5.4'],
    ['a parameter given twice', 'MAIL FROM:<a@b.example> SIZE=1 size=1', '501 5.5.4'],
    ['a parameter that nobody offered', 'MAIL FROM:<a@b.example> HOLDFOR=10', '555 5.5.4'],
    ['a parameter of RCPT', 'MAIL FROM:<a@b.example> NOTIFY=NEVER', '555 5.5.4'],
    ['an unknown RET', 'MAIL FROM:<a@b.example> RET=SOME', '501 5.5.4'],
    ['an ENVID that is no xtext', 'MAIL FROM:<a@b.example> ENVID=a+2', '501 5.5.4'],
    ['an ENVID that hides a line end', 'MAIL FROM:<a@b.example> ENVID=a+0D+0Ab', '501 5.5.4'],
    ['a long ENVID', `MAIL FROM:<a@b.example> ENVID=${'x'.repeat(101)}`, '501 5.5.4'],
    ['SMTPUTF8 with a value', 'MAIL FROM:<a@b.example> SMTPUTF8=1', '501 5.5.4'],
    ['letters beyond ASCII undeclared', 'MAIL FROM:<ä@b.example>', '553 5.6.7'],
  ])('refuses %s', (_, text, reply) => {
    expect(code(mail(text))).toBe(reply);
  });

  it('takes letters beyond ASCII with SMTPUTF8, and no bytes that are not UTF-8', () => {
    expect(mail('MAIL FROM:<ä@bücher.example> SMTPUTF8').ok).toBe(true);
    expect(parseMail(Buffer.from('MAIL FROM:<\xe4@b.example> SMTPUTF8', 'latin1'), 0).ok).toBe(false);
  });
});

describe('RCPT', () => {
  it('reads what is asked of notifications', () => {
    expect(rcpt('RCPT TO:<a@b.example> NOTIFY=delay,SUCCESS ORCPT=rfc822;A+2Bx@b.example')).toEqual({
      ok: true,
      command: { address: 'a@b.example', notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;A+x@b.example' },
    });
    expect(rcpt('RCPT TO:<a@[192.0.2.1]> NOTIFY=NEVER')).toMatchObject({
      ok: true,
      command: { notify: ['NEVER'], orcpt: null },
    });
  });

  it.each([
    ['an empty path', 'RCPT TO:<>', '501 5.1.3'],
    ['a literal that is no address', 'RCPT TO:<a@[999.0.0.1]>', '501 5.1.3'],
    ['dots side by side', 'RCPT TO:<a..b@b.example>', '501 5.1.3'],
    ['a label that ends with a hyphen', 'RCPT TO:<a@b-.example>', '501 5.1.3'],
    ['NEVER with others', 'RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['NOTIFY twice the same', 'RCPT TO:<a@b.example> NOTIFY=DELAY,DELAY', '501 5.5.4'],
    ['NOTIFY without value', 'RCPT TO:<a@b.example> NOTIFY', '501 5.5.4'],
    ['an ORCPT without type', 'RCPT TO:<a@b.example> ORCPT=a@b.example', '501 5.5.4'],
    ['an ORCPT that hides a line end', 'RCPT TO:<a@b.example> ORCPT=rfc822;a+0Ab', '501 5.5.4'],
    ['SIZE', 'RCPT TO:<a@b.example> SIZE=1', '555 5.5.4'],
  ])('refuses %s', (_, text, reply) => {
    expect(code(rcpt(text))).toBe(reply);
  });
});

describe('whatever bytes come as MAIL or RCPT', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'MAIL FROM:',
      'RCPT TO:',
      '<',
      '>',
      '@',
      '.',
      ' ',
      'a',
      'b.example',
      '\r',
      '\0',
      '"',
      '\\',
    ),
    fc.constantFrom('SIZE=', 'NOTIFY=', 'ORCPT=rfc822;', 'ENVID=', 'RET=FULL', '+0A', '__proto__=1', 'ä'),
    fc.string({ maxLength: 5 }),
  );

  it('ends in an address without control characters and brackets, or in a refusal', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('MAIL FROM:<', 'RCPT TO:<', ''),
        fc.array(piece, { maxLength: 12 }),
        (a, b) => {
          const line = Buffer.from(a + b.join(''));
          for (const parsed of [parseMail(line, 100), parseRcpt(line, true)]) {
            // eslint-disable-next-line no-control-regex -- these must not come through
            if (parsed.ok) expect(parsed.command.address).not.toMatch(/[\u0000-\u0020\u007f<>]/);
            // eslint-disable-next-line no-control-regex -- these must not come through
            expect(JSON.stringify(parsed)).not.toMatch(/\\u00|\\[rn]/);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
