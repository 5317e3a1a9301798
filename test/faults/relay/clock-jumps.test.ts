/**
 * The clock is set two days ahead, or back by an hour: no mail expires, no login is withdrawn, no queue stalls, and
 * health says what happened. Debian's libfaketime sets the wall clock of the relay alone; its monotonic clock runs on.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { debianPackages } from '../../cluster/debian.ts';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

describe('a clock that is set', () => {
  let library: string;
  let folder: string;
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    const { root } = await debianPackages(['libfaketime']);
    const files = await readdir(join(root, 'usr/lib'), { recursive: true });
    const found = files.find((name) => name.endsWith('faketime/libfaketime.so.1'));
    if (!found) throw new Error('no libfaketime in its package');
    library = join(root, 'usr/lib', found);
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clock-'));
    // Ahead of the certificates, so that an hour less is not before them.
    await setClock('+7200');
    sink = await startSink();
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(folder, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    relay = await startRelay({ smarthostPort: sink.port, env });
  });

  afterEach(async () => {
    await relay.stop();
    await sink.close();
    await rm(folder, { recursive: true, force: true });
  });

  const setClock = (offset: string) => writeFile(join(folder, 'offset'), offset);

  it.each([
    ['two days ahead', '+180000', /the clock jumped by 1728\d\d s/],
    ['back by an hour', '+3600', /the clock jumped by -3(59|60)\d s/],
  ])(
    '%s: what was put off is tried at once, nothing bounces, logins hold',
    async (_, offset, told) => {
      sink.script = { dot: () => '451 4.3.0 later' };
      const open = await Dialogue.loggedIn(relay);
      for (let i = 0; i < 5; i++) expect(await open.send()).toMatch(/^250 /);
      const reports = async () => (await relay.get<relayApi.ReportPage>('/v1/reports')).items;
      await waitFor(async () => (await reports()).every(({ status }) => status === 'deferred'), {
        what: 'the deferrals',
      });
      await setClock(offset);
      await waitFor(async () => told.test(await healthz()), { what: 'health to tell of the jump' });
      // It takes mail all the same.
      expect((await relay.readyz()).status).toBe(200);
      sink.script = {};
      await sink.waitFor(5, 45_000);
      await waitFor(async () => (await reports()).every(({ status }) => status === 'delivered'), {
        what: 'the deliveries to be recorded',
      });
      // The password is not withdrawn, and new mail goes out at once.
      expect(await (await Dialogue.loggedIn(relay)).send()).toMatch(/^250 /);
      await sink.waitFor(6, 5_000);
      expect((await reports()).filter(({ status }) => status === 'bounced')).toEqual([]);
    },
    120_000,
  );

  async function healthz(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${relay.ports.health}/healthz`)).text();
  }
});
