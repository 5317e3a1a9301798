import { describe, expect, it } from '@jest/globals';
import { parseDatabaseUri } from './uri.ts';

describe('database URIs', () => {
  it('reads every part, percent-encoding included', () => {
    expect(
      parseDatabaseUri('postgresql://re%40lay:p%2Fw@db.example:6543/mail?sslmode=verify-full\n'),
    ).toEqual({
      host: 'db.example',
      port: 6543,
      database: 'mail',
      user: 're@lay',
      password: 'p/w',
      tls: 'full',
      caFile: null,
    });
  });

  it.each([
    ['another host without sslmode is not spoken to in the clear', 'postgres://u:p@db/m', 'unverified'],
    ['this machine is', 'postgres://u:p@127.0.0.1/m', 'off'],
    ['a socket is', 'postgres://u:p@x/m?host=/run/postgresql', 'off'],
    ['sslmode counts', 'postgres://u:p@db/m?sslmode=disable', 'off'],
    ['a CA alone is verified against', 'postgres://u:p@db/m?sslmode=verify-ca&sslrootcert=/ca.crt', 'chain'],
  ])('%s', (_, uri, tls) => {
    expect(parseDatabaseUri(uri).tls).toBe(tls);
  });

  it.each([
    'mysql://u:secretpw@db/m',
    'postgres://u:secretpw@db/m?sslmode=prefer',
    'postgres://:secretpw@db/m',
    'postgres://u:secretpw@d b/m',
  ])('refuses %s without repeating it', (uri) => {
    expect(() => parseDatabaseUri(uri)).toThrow(expect.objectContaining({ code: 'R_DATABASE_URI' }));
    expect(() => parseDatabaseUri(uri)).not.toThrow(/secretpw/);
  });
});
