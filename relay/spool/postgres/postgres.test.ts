import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { type Postgres, startPostgres } from '../../../test/support/postgres.ts';
import { describeSpool } from '../contract.ts';
import type { Spool } from '../types.ts';
import { openPostgresSpool } from './client.ts';

let server: Postgres;
let folder = '';
let current: Spool | undefined;

beforeAll(async () => {
  server = await startPostgres({ settings: ['fsync=off'] });
  folder = await mkdtemp(join(tmpdir(), 'spool-postgres-'));
});

afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<Spool> {
  const { spool, unavailable } = await openPostgresSpool({ uriFile: join(folder, 'uri') });
  if (unavailable) throw unavailable;
  current = spool;
  return spool;
}

describeSpool('PostgreSQL', {
  async open() {
    await writeFile(join(folder, 'uri'), await server.createDatabase());
    return open();
  },
  async reopen() {
    // What a process leaves behind that ends without closing is the lease's test.
    await current?.close();
    return open();
  },
  cleanUp: async () => undefined,
});
