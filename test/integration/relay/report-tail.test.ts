/** The live tail of reports: each change as it is made, filtered; who is too slow or one too many is sent away. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from './support/dialogue.ts';
import { startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

interface Tail {
  readonly status: number;
  readonly reports: relayApi.DeliveryReport[];
  close(): void;
}

describe('the tail of reports', () => {
  let sink: Sink;
  let relay: TestRelay;
  let identity: { ca: Buffer; cert: Buffer; key: Buffer };

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    const client = await relay.pki.issue('listener', ['operator']);
    identity = {
      ca: await readFile(relay.pki.caFile),
      cert: await readFile(client.certFile),
      key: await readFile(client.keyFile),
    };
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function listen(query = ''): Promise<Tail> {
    const outgoing = request({
      ...identity,
      host: '127.0.0.1',
      port: relay.ports.admin,
      servername: relayApi.ADMIN_SERVER_NAME,
      path: `/v1/reports/tail${query}`,
      agent: false,
    });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const reports: relayApi.DeliveryReport[] = [];
    let text = '';
    response.on('error', () => undefined);
    response.on('data', (chunk: Buffer) => {
      const lines = `${text}${chunk.toString()}`.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines.filter(Boolean)) {
        reports.push(relayApi.deliveryReportSchema.parse(JSON.parse(line)));
      }
    });
    return { status: response.statusCode ?? 0, reports, close: () => outgoing.destroy() };
  }

  it('shows a message from the 250 to its outcome, to those who want it', async () => {
    const [all, bounces, others] = [
      await listen(),
      await listen('?status=bounced'),
      await listen('?namespace=elsewhere'),
    ];
    sink.script = { rcpt: (line) => (line.includes('nobody@') ? '550 5.1.3 no' : undefined) };
    const dialogue = await Dialogue.loggedIn(relay);
    await dialogue.send({ to: ['a@example.com', 'nobody@example.com'] });
    const seen = (tail: Tail) => tail.reports.map(({ recipient, status }) => `${recipient} ${status}`);
    await waitFor(() => seen(all).length >= 4, { what: 'all changes' });
    expect(seen(all).toSorted()).toEqual([
      'a@example.com delivered',
      'a@example.com queued',
      'nobody@example.com bounced',
      'nobody@example.com queued',
    ]);
    await waitFor(() => bounces.reports.length > 0, { what: 'the bounce' });
    expect(seen(bounces)).toEqual(['nobody@example.com bounced']);
    expect(others.reports).toEqual([]);
    // The queue id is the one of the report that stays.
    const kept = await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${all.reports[0]?.queueId}`);
    expect(kept.items).toHaveLength(2);
    for (const tail of [all, bounces, others]) tail.close();
  });

  it('refuses a filter that it does not know, and listeners beyond its cap', async () => {
    expect((await listen('?status=nonsense')).status).toBe(400);
    const tails: Tail[] = [];
    for (let i = 0; i < 20; i++) tails.push(await listen());
    expect(tails.every(({ status }) => status === 200)).toBe(true);
    expect((await listen()).status).toBe(503);
    for (const tail of tails) tail.close();
    await waitFor(
      async () => {
        const tail = await listen();
        tail.close();
        return tail.status === 200;
      },
      { what: 'room for a listener' },
    );
  });
});
