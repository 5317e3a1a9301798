import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readProxyHeader } from './proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const hex = (...parts: string[]) => Buffer.from(parts.join(''), 'hex');
const TCP4 = hex(SIGNATURE, '21', '11', '000c', 'c0000201', '7f000001', '1234', '024b');
const TCP6 = hex(
  SIGNATURE,
  '21',
  '21',
  '0024',
  '20010db8000000000000000000000007',
  '0'.repeat(32),
  '1234024b',
);

describe('the PROXY header', () => {
  it.each([
    ['version 1 of IPv4', Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 4660 587\r\n'), '192.0.2.1'],
    ['version 1 of IPv6', Buffer.from('PROXY TCP6 2001:db8::7 ::1 4660 587\r\n'), '2001:db8::7'],
    ['version 1 of something else', Buffer.from('PROXY UNKNOWN whatever\r\n'), undefined],
    ['version 2 of IPv4', TCP4, '192.0.2.1'],
    ['version 2 of IPv6', TCP6, '2001:db8:0:0:0:0:0:7'],
    [
      'version 2 with TLVs',
      hex(SIGNATURE, '2111', '0011', TCP4.subarray(16).toString('hex'), '20000201ff'),
      '192.0.2.1',
    ],
    ['a health check of the load balancer', hex(SIGNATURE, '20', '00', '0000'), undefined],
    ['a local socket behind the load balancer', hex(SIGNATURE, '21', '31', '0002', 'ffff'), undefined],
  ])('reads %s, and not a byte more', (_, header, address) => {
    const expected = {
      kind: 'read',
      length: header.length,
      ...(address !== undefined && { source: { address, port: 4660 } }),
    };
    expect(readProxyHeader(Buffer.concat([header, Buffer.from('EHLO x\r\n')]))).toEqual(expected);
    for (let cut = 0; cut < header.length; cut++)
      expect(readProxyHeader(header.subarray(0, cut))).toEqual({ kind: 'unfinished' });
  });

  it.each([
    ['a command', Buffer.from('EHLO client.test\r\n')],
    ['a family that does not fit', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['an address that is none', Buffer.from('PROXY TCP4 300.0.0.1 127.0.0.1 1 2\r\n')],
    ['a port that is none', Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 70000 2\r\n')],
    ['too little', Buffer.from('PROXY TCP4 192.0.2.1\r\n')],
    ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`)],
    ['another version', hex(SIGNATURE, '31', '11', '000c')],
    ['another command', hex(SIGNATURE, '22', '11', '000c')],
    ['a block that is too large', hex(SIGNATURE, '21', '11', 'ffff')],
    ['a block that is too small', hex(SIGNATURE, '21', '11', '0004', 'c0000201')],
  ])('refuses %s', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'malformed' });
  });

  it('answers for whatever bytes come, and never claims more than there are', () => {
    const begin = fc.constantFrom(Buffer.alloc(0), TCP4.subarray(0, 14), Buffer.from('PROXY TCP4 '));
    fc.assert(
      fc.property(begin, fc.uint8Array({ maxLength: 200 }), (first, rest) => {
        const bytes = Buffer.concat([first, rest]);
        const header = readProxyHeader(bytes);
        if (header.kind === 'read') expect(header.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
