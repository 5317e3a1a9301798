/** TLS to the database as sslmode has it, against a real server. */
import { chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPki } from '../../../test/integration/relay/support/certificates.ts';
import { type Postgres, SERVER_UID, startPostgres } from '../../../test/support/postgres.ts';
import { openPostgresSpool } from './client.ts';

describe('TLS to the database', () => {
  let server: Postgres;
  let folder: string;
  let serverFolder: string;
  let uri: URL;
  const authorities: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spool-tls-'));
    for (const name of ['right', 'wrong']) {
      const pki = await createPki(await mkdtemp(join(folder, `${name}-`)));
      authorities[name] = pki.caFile;
      if (name === 'wrong') continue;
      const { keyFile, certFile } = await pki.issue('database', ['127.0.0.1']);
      // The server insists on owning its key.
      serverFolder = await mkdtemp(join(tmpdir(), 'spool-tls-server-'));
      const place = serverFolder;
      for (const [from, to] of [
        [keyFile, 'key'],
        [certFile, 'cert'],
      ] as const) {
        await copyFile(from, join(place, to));
        if (process.getuid?.() === 0) await chown(join(place, to), SERVER_UID, SERVER_UID);
      }
      if (process.getuid?.() === 0) await chown(place, SERVER_UID, SERVER_UID);
      const files = [`ssl_key_file=${place}/key`, `ssl_cert_file=${place}/cert`];
      server = await startPostgres({ settings: ['fsync=off', 'ssl=on', ...files] });
    }
    uri = new URL(await server.createDatabase());
  });

  afterAll(async () => {
    await server.remove();
    for (const place of [folder, serverFolder]) await rm(place, { recursive: true, force: true });
  });

  it.each([
    ['disable', undefined, '127.0.0.1', false],
    ['require', undefined, '127.0.0.1', true],
    ['require', 'right', 'localhost', true],
    ['require', 'wrong', '127.0.0.1', 'self-signed|unable to verify|certificate'],
    ['verify-ca', 'right', 'localhost', true],
    ['verify-full', 'right', '127.0.0.1', true],
    ['verify-full', 'right', 'localhost', 'altnames'],
    ['verify-full', undefined, '127.0.0.1', 'self-signed|unable to verify|certificate'],
  ] as const)('sslmode=%s with CA %s to %s: %s', async (mode, authority, host, expected) => {
    const place = await mkdtemp(join(folder, 'case-'));
    const uriFile = join(place, 'uri');
    uri.hostname = host;
    uri.searchParams.set('sslmode', mode);
    await writeFile(uriFile, uri.href);
    if (authority !== undefined) await copyFile(authorities[authority] ?? '', join(place, 'ca.crt'));
    const { spool, unavailable } = await openPostgresSpool({ uriFile });
    try {
      if (typeof expected === 'string') {
        expect(String(unavailable)).toMatch(new RegExp(expected, 'i'));
        return;
      }
      expect(unavailable).toBeNull();
      const [row] = await server.query(
        `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE application_name = 'migosmtp-relay'`,
      );
      expect(row?.ssl).toBe(expected);
    } finally {
      await spool.close();
    }
  });
});
