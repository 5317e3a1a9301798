import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Migration } from '../migrations.ts';
import { openDatabase } from './database.ts';
import { MIGRATIONS } from './schema.ts';

const ADDITION: Migration = { version: 2, usableFrom: 1, sql: 'ALTER TABLE messages ADD COLUMN colour TEXT' };
const BREAK: Migration = { version: 3, usableFrom: 3, sql: 'DROP TABLE logins' };

describe('schema of the embedded store', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'spool-schema-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const open = (...more: Migration[]) => openDatabase(directory, [...MIGRATIONS, ...more]).database;

  it('is brought up by the next release, keeps its rows, and still serves this one', () => {
    const first = open();
    first.run("INSERT INTO logins VALUES ('a', 'r1', 5)");
    first.close();
    const next = open(ADDITION);
    expect(next.all('SELECT colour FROM messages')).toEqual([]);
    next.close();
    const again = open();
    expect(again.all('SELECT account_id FROM logins')).toEqual([{ account_id: 'a' }]);
    again.close();
    // What this release found stays as the next one left it.
    const later = open(ADDITION);
    expect(later.get('SELECT version FROM schema_version')).toEqual({ version: 2 });
    later.close();
  });

  it('is refused once a later release has broken with this one', () => {
    open(ADDITION, BREAK).close();
    expect(() => open(ADDITION)).toThrow(expect.objectContaining({ code: 'R_STORE_NEWER' }));
    expect(() => open()).toThrow('schema 3, this release knows 1');
  });

  it('stays as it was when a step fails', () => {
    open().close();
    expect(() =>
      open({ version: 2, usableFrom: 1, sql: 'CREATE TABLE half (id INTEGER); BROKEN' }),
    ).toThrow();
    const database = open();
    expect(database.get("SELECT name FROM sqlite_master WHERE name = 'half'")).toBeUndefined();
    database.close();
  });
});
