/** Without Kubernetes: accounts stand in relay.yaml, and a change of it drops no session. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { parse, stringify } from 'yaml';
import { Dialogue } from './support/dialogue.ts';
import { startRelay, testAccount, testDomain, type TestRelay, USERNAME, verifier } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

describe('a relay alone', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    const policy: relayApi.RelayProcessInput['policy'] = {
      from: 'inline',
      settings: {
        hostname: 'relay.test',
        delivery: { mode: 'smarthost', host: '127.0.0.1', port: sink.port, tls: 'None' },
        bounces: { enabled: false },
        messageLimits: { maxSize: 1_000_000, maxRecipients: 10 },
        retention: { reportsSeconds: 60 },
      },
      accounts: [testAccount()],
      domains: [testDomain()],
    };
    relay = await startRelay({ smarthostPort: sink.port, bare: true, config: { policy } });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it('is ready at once and sends', async () => {
    expect((await relay.readyz()).status).toBe(200);
    expect(await (await Dialogue.loggedIn(relay)).send()).toMatch(/^250 /);
    await sink.waitFor(1);
    expect((await relay.call('PUT', '/v1/shards', { shards: [] })).status).toBe(400);
  });

  it('takes a changed file, also a broken one in between, without dropping a session', async () => {
    const session = await Dialogue.loggedIn(relay);
    const file = join(relay.folder, 'relay.yaml');
    const text = await readFile(file, 'utf8');
    const config = parse(text) as { policy: { accounts: relayApi.AccountConfig[] } };
    await writeFile(file, 'policy: [');
    await waitFor(() => relay.log().includes('policy not reloaded'), { what: 'the complaint' });
    config.policy.accounts[0]?.verifiers.push(verifier('r2', 'second'));
    await writeFile(file, stringify(config));
    await waitFor(
      () =>
        Dialogue.loggedIn(relay, USERNAME, 'second').then(
          (dialogue) => dialogue.close() ?? true,
          () => false,
        ),
      { what: 'the second password' },
    );
    expect(await session.ask('NOOP')).toMatch(/^250 /);
    config.policy.accounts.pop();
    await writeFile(file, stringify(config));
    expect(await session.reply()).toMatch(/^421 4\.7\.0 /);
  });
});
