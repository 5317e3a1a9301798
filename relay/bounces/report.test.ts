import { describe, expect, it } from '@jest/globals';
import { readBounce } from './report.ts';

const text = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n`);
const report = (...groups: string[][]) =>
  text([
    'Subject: Mail delivery failed',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    '',
    'Action: failed is what this text says',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx',
    ...groups.flatMap((group) => ['', ...group]),
    '',
    '--b--',
  ]);

describe('a message to a return path', () => {
  it('is a failure where the report says so, with status and diagnostic', () => {
    const group = [
      'Final-Recipient: rfc822; x@x',
      'Action: failed',
      'Status: 5.1.1 (gone)',
      'Diagnostic-Code: smtp; 550 5.1.1',
      '  no such\u0000user',
    ];
    expect(readBounce(report(group))).toEqual({
      kind: 'failed',
      status: '5.1.1',
      response: '550 5.1.1 no such user',
    });
  });

  it('finds the group that failed', () => {
    const found = readBounce(
      report(['Action: delayed', 'Status: 4.0.0'], ['action: FAILED', 'status: 5.2.2']),
    );
    expect(found).toMatchObject({ kind: 'failed', status: '5.2.2' });
  });

  it.each([
    ['a delay', report(['Action: delayed', 'Status: 4.4.1'])],
    ['a delivery', report(['Action: delivered', 'Status: 2.0.0'])],
    ['a report without groups', report()],
    [
      'an answer of a robot',
      text([
        'Subject: Failure is not an option',
        'Auto-Submitted: auto-replied',
        'From: a@b',
        '',
        'Room 5.1.1',
      ]),
    ],
    ['a letter', text(['Subject: Hello', '', 'I am in room 5.1.1'])],
    ['nothing', Buffer.alloc(0)],
  ])('is no failure when it is %s', (_, raw) => {
    expect(readBounce(raw).kind).toBe('other');
  });

  it('is a failure in prose when subject and code both say so', () => {
    const raw = text([
      'Subject: Undeliverable: your mail',
      'From: MAILER-DAEMON@x',
      '',
      'Sorry.',
      'x@x: 550 5.1.1 unknown user',
    ]);
    expect(readBounce(raw)).toEqual({
      kind: 'failed',
      status: '5.1.1',
      response: 'x@x: 550 5.1.1 unknown user',
    });
  });
});
