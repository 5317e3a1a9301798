/** The process itself: clear errors, graceful end, certificates reloaded, probes, admin API. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { relayApi } from '@migosmtp/operator/api';
import { stringify } from 'yaml';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { createPki } from './support/certificates.ts';
import { callAdmin, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../../relay/main.ts');

function runMain(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 20_000 }, (error, _, stderr) => {
      done({ code: Number(error?.code ?? 0), stderr });
    });
  });
}

describe('configuration', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relay-config-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const tls = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' };
  const policy = { from: 'shards', directory: '/nowhere' };

  it.each([
    ['no file named', undefined, 'R_CONFIG_USAGE'],
    ['a file that is not there', 'missing', 'R_CONFIG_UNREADABLE'],
    ['broken YAML', 'tls: [', 'R_CONFIG_SYNTAX'],
    ['a missing field', stringify({ tls, policy }), 'R_CONFIG_INVALID: .*: storage'],
    [
      'a wrong type',
      stringify({ tls, policy, storage: { kind: 'embedded', directory: 7 } }),
      'storage.directory',
    ],
    [
      'certificates that are not there',
      stringify({
        tls,
        policy,
        storage: { kind: 'embedded', directory: join(tmpdir(), 'relay-config-store') },
      }),
      'R_TLS_UNUSABLE: .*/nowhere/tls.crt',
    ],
  ])('says in one line what is wrong: %s', async (_, text, expected) => {
    const file = join(folder, 'relay.yaml');
    if (text !== undefined && text !== 'missing') await writeFile(file, text);
    const args =
      text === undefined ? [] : ['--config', text === 'missing' ? join(folder, 'none.yaml') : file];
    const { code, stderr } = await runMain(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^relay: [^\\n]*${expected}[^\\n]*\\n$`));
  });
});

describe('a running relay', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it('answers the admin API only for certificates of the client CA', async () => {
    const ca = await readFile(relay.pki.caFile);
    const call = { ca, port: relay.ports.admin, method: 'GET', path: '/v1/state' };
    await expect(callAdmin(call)).rejects.toThrow();
    const folder = await mkdtemp(join(tmpdir(), 'relay-pki-'));
    const foreign = await (await createPki(folder)).issue('operator', ['operator']);
    const [cert, key] = await Promise.all([readFile(foreign.certFile), readFile(foreign.keyFile)]);
    await expect(callAdmin({ ...call, cert, key })).rejects.toThrow();
    await rm(folder, { recursive: true });
    const state = await relay.get<relayApi.RelayState>('/v1/state');
    expect(relayApi.relayStateSchema.parse(state)).toMatchObject({
      ready: true,
      missing: [],
      queue: { queued: 0 },
    });
    const document = await relay.get<{ paths: object }>('/openapi.json');
    expect(Object.keys(document.paths)).toContain('/v1/queue/{queueId}/retry');
  });

  it('refuses a push that is not a shard and names the field, not its value', async () => {
    const { status, body } = await relay.call('PUT', '/v1/shards', {
      shards: [{ format: 1, revision: 'secret' }],
    });
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'Invalid' } });
    expect(body).not.toContain('secret');
    expect((await relay.call('PUT', '/v1/shards', { shards: [] })).status).toBe(400);
    expect((await relay.call('GET', '/v1/nothing')).status).toBe(404);
    expect((await relay.call('GET', '/v1/reports?limit=0')).status).toBe(400);
  });

  it('serves a new certificate and keeps open sessions', async () => {
    const open = await Dialogue.loggedIn(relay);
    const before = await peerSerial(relay);
    const fresh = await relay.pki.issue('fresh', ['relay.test', 'localhost', '127.0.0.1']);
    await copyFile(fresh.keyFile, join(relay.folder, 'relay.key'));
    await copyFile(fresh.certFile, join(relay.folder, 'relay.pem'));
    await waitFor(async () => (await peerSerial(relay)) !== before, { what: 'the new certificate' });
    expect(await open.send()).toMatch(/^250 /);
    open.close();
  });

  it('refuses TLS below 1.2', async () => {
    const old = connect({
      host: '127.0.0.1',
      port: relay.ports.tls,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(new Promise((_, reject) => old.on('error', reject))).rejects.toThrow();
  });

  it('lets a transaction finish on SIGTERM, sends idle sessions away and exits with 0', async () => {
    const [busy, idle] = await Promise.all([Dialogue.loggedIn(relay), Dialogue.loggedIn(relay)]);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA'])
      await busy.ask(line);
    const before = sink.received.length;
    const exit = relay.kill('SIGTERM');
    expect(await idle.reply()).toMatch(/^421 4\.3\.2 /);
    busy.write(`${simpleMessage()}.\r\n`);
    expect(await busy.reply()).toMatch(/^250 2\.0\.0 /);
    expect(await busy.reply()).toMatch(/^421 4\.3\.2 /);
    expect(await exit).toBe(0);
    await relay.restart();
    await sink.waitFor(before + 1);
  });

  it('drops a message whose client left in the middle of DATA', async () => {
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
    const before = sink.received.length;
    const dialogue = await Dialogue.loggedIn(relay);
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA'])
      await dialogue.ask(line);
    dialogue.write(`${simpleMessage()}${'x'.repeat(900)}\r\n`);
    dialogue.close();
    const next = await Dialogue.loggedIn(relay);
    expect(await next.send()).toMatch(/^250 /);
    await sink.waitFor(before + 1);
    expect(sink.received.length).toBe(before + 1);
    const queue = await relay.get<relayApi.ReportPage>('/v1/queue');
    expect(queue.items).toEqual([]);
  });
});

function peerSerial(relay: TestRelay): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: relay.ports.tls, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
