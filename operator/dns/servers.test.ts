import { describe, expect, test } from '@jest/globals';
import { parseDnsServers } from './index.ts';

describe('DNS_SERVERS', () => {
  test.each([
    ['is absent: the machine decides', undefined, undefined],
    ['is empty: the machine decides', ' , ', undefined],
    ['names one address', '10.96.0.10', ['10.96.0.10:53']],
    ['names addresses with ports', '10.0.0.1:5353, 10.0.0.2', ['10.0.0.1:5353', '10.0.0.2:53']],
    ['names an IPv6 address', '2001:db8::1', ['[2001:db8::1]']],
    ['names an IPv6 address with a port', '[2001:db8::1]:5353', ['[2001:db8::1]:5353']],
  ])('%s', (_title, setting, servers) => {
    expect(parseDnsServers(setting)).toEqual(servers);
  });

  test.each(['dns.example.com', '10.0.0.1:0', '10.0.0.1:99999', '[10.0.0.1]:53', '10.0.0.1 53'])(
    '"%s" is refused with what to write',
    (setting) => {
      expect(() => parseDnsServers(setting)).toThrow(/write ip, ip:port or \[ipv6\]:port/);
    },
  );
});
