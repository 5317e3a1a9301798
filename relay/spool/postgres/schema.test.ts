import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Postgres, startPostgres } from '../../../test/support/postgres.ts';
import { message } from '../contract.ts';
import type { Migration } from '../migrations.ts';
import { openPostgresSpool } from './client.ts';
import { MIGRATIONS } from './schema.ts';

const ADDITION: Migration = { version: 2, usableFrom: 1, sql: 'ALTER TABLE messages ADD COLUMN colour text' };
const BREAK: Migration = { version: 3, usableFrom: 3, sql: 'DROP TABLE probes' };

describe('schema of the PostgreSQL store', () => {
  let server: Postgres;
  let folder: string;
  let uri: string;

  beforeAll(async () => {
    server = await startPostgres({ settings: ['fsync=off'] });
    folder = await mkdtemp(join(tmpdir(), 'spool-schema-'));
  });

  afterAll(async () => {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    uri = await server.createDatabase();
    await writeFile(join(folder, 'uri'), uri);
  });

  const open = async (...more: Migration[]) => {
    const migrations = [...MIGRATIONS, ...more];
    const { spool, unavailable } = await openPostgresSpool({ uriFile: join(folder, 'uri'), migrations });
    if (unavailable) throw unavailable;
    return spool;
  };

  it('is made once by processes that start together', async () => {
    const spools = await Promise.all(Array.from({ length: 4 }, () => open(ADDITION)));
    expect(await server.query('SELECT version, usable_from FROM migosmtp.schema_version', uri)).toEqual([
      { version: 2, usable_from: 1 },
    ]);
    for (const spool of spools) await spool.close();
  });

  it('serves this release and the next at once', async () => {
    const old = await open();
    await old.accept(message({ queueId: 'OLD' }), { scopes: [], claim: false });
    const next = await open(ADDITION);
    await old.accept(message({ queueId: 'OLDER' }), { scopes: [], claim: false });
    expect((await next.reports({ limit: 10 })).items.map(({ queueId }) => queueId)).toEqual(['OLDER', 'OLD']);
    const again = await open();
    expect((await again.stats()).queued).toBe(2);
    for (const spool of [old, next, again]) await spool.close();
  });

  it('is refused before any mail is taken once a later release has broken with this one', async () => {
    await (await open(ADDITION, BREAK)).close();
    await expect(open(ADDITION)).rejects.toMatchObject({ code: 'R_STORE_NEWER', kind: 'Permanent' });
  });

  it('needs no more rights than those on a schema that somebody else has made', async () => {
    await server.query("CREATE ROLE plain LOGIN PASSWORD 'plain'");
    await server.query('CREATE SCHEMA migosmtp AUTHORIZATION plain', uri);
    const { pathname } = new URL(uri);
    await writeFile(
      join(folder, 'uri'),
      server.uri({ database: pathname.slice(1), user: 'plain', password: 'plain' }),
    );
    const spool = await open();
    await spool.accept(message(), { scopes: [], claim: true });
    await spool.close();
  });

  it('stays as it was when a step fails', async () => {
    await (await open()).close();
    const sql = 'CREATE TABLE half (id int); BROKEN';
    await expect(open({ version: 2, usableFrom: 1, sql })).rejects.toMatchObject({ code: 'R_STORE_WRITE' });
    expect(await server.query("SELECT to_regclass('migosmtp.half') AS half", uri)).toEqual([{ half: null }]);
  });
});
