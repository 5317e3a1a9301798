import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeSpool } from '../contract.ts';
import type { Spool } from '../types.ts';
import { openEmbeddedSpool } from './open.ts';

let directory = '';
let current: Spool | undefined;

async function open(): Promise<Spool> {
  current = (await openEmbeddedSpool(directory)).spool;
  return current;
}

describeSpool('embedded', {
  async open() {
    directory = await mkdtemp(join(tmpdir(), 'spool-test-'));
    return open();
  },
  async reopen() {
    // A real crash is the integration tests' (kill -9); here nothing in memory may survive.
    await current?.close();
    return open();
  },
  cleanUp: () => rm(directory, { recursive: true, force: true }),
});

describe('embedded store', () => {
  it('serves one process and says so to the second', async () => {
    directory = await mkdtemp(join(tmpdir(), 'spool-test-'));
    const { spool } = await openEmbeddedSpool(directory);
    await expect(openEmbeddedSpool(directory)).rejects.toMatchObject({ code: 'R_STORE_LOCKED' });
    await spool.close();
    await rm(directory, { recursive: true });
  });
});
