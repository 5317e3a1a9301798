/**
 * A store that an earlier schema has written, with mail in it: this release brings it up, sends what waits byte for byte,
 * and keeps reports. `fixtures/store-<version>.sql` is such a store as a dump; one is added with each schema version.
 * Until the first release a schema may change in place: then its dump is made anew.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay } from '../../integration/relay/support/relay.ts';
import { startSink } from '../../integration/relay/support/sink.ts';
import { auditBook } from '../support/account-book.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const dumps = readdirSync(FIXTURES).filter((name) => /^store-\d+\.sql$/.test(name));
const submitted = ['old0', 'old1', 'old2'].map((name) => ({
  name,
  answer: 250,
  data: `From: hello@shop.example\r\nX-Book: ${name}\r\n\r\nbody of ${name}\r\n`,
}));

describe('a store of an earlier schema', () => {
  it.each(dumps)(
    '%s is brought up: its mail goes out, its reports stay, new mail is taken',
    async (dump) => {
      const directory = mkdtempSync(join(tmpdir(), 'old-store-'));
      mkdirSync(join(directory, 'bodies'));
      const database = new DatabaseSync(join(directory, 'spool.db'));
      database.exec(readFileSync(join(FIXTURES, dump), 'utf8'));
      database.close();
      const sink = await startSink();
      const relay = await startRelay({
        smarthostPort: sink.port,
        config: { storage: { kind: 'embedded', directory } },
        // The dump's mail is old; its reports are to stay.
        settings: { retention: { reportsSeconds: 10 ** 9 } },
      });
      try {
        await sink.waitFor(submitted.length);
        const arrived = sink.received.map(({ data }) => data.toString('latin1'));
        expect(auditBook(submitted, { arrived, allowedDuplicates: 0 })).toEqual([]);
        const { items } = await relay.get<relayApi.ReportPage>('/v1/reports?queueId=OLD3');
        expect(items).toMatchObject([
          { status: 'delivered', recipient: 'r3@example.com', response: '250 ok' },
        ]);
        expect(await (await Dialogue.loggedIn(relay)).send()).toMatch(/^250 /);
        await sink.waitFor(submitted.length + 1);
      } finally {
        await relay.stop();
        await sink.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
