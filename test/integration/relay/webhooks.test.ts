/** Webhooks: a real HTTPS receiver is told, with a signature that it verifies, until it takes what it is told. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { sendBounce } from './support/bounce.ts';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const KEY = Buffer.from('a key of four and twenty b');
const SECRET = `whsec_${KEY.toString('base64')}`;
const domain = { returnPath: 'bounces.shop.example' };

interface Told {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly text: string;
  readonly isSigned: boolean;
}

describe('webhooks', () => {
  let sink: Sink;
  let relay: TestRelay;
  let receiver: Server;
  let url: string;
  let told: Told[] = [];
  let answer: () => number = () => 204;
  let revision = 1;

  beforeAll(async () => {
    sink = await startSink();
    const listen = { address: '127.0.0.1', starttls: 0, tls: 0, bounces: 0 };
    relay = await startRelay({ smarthostPort: sink.port, config: { listen } });
    const files = await relay.pki.issue('receiver', ['localhost']);
    const [key, cert] = await Promise.all([readFile(files.keyFile), readFile(files.certFile)]);
    receiver = createServer({ key, cert }, (request, response) => {
      void take(request).then((found) => {
        told.push(found);
        response.writeHead(answer()).end();
      });
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    url = `https://localhost:${typeof address === 'object' && address ? address.port : 0}/hook`;
  });

  afterEach(() => {
    told = [];
    answer = () => 204;
    sink.script = {};
  });

  afterAll(async () => {
    await relay.stop();
    receiver.closeAllConnections();
    receiver.close();
    await sink.close();
  });

  async function want(change: Partial<relayApi.Webhook>, limits = {}, more = {}): Promise<void> {
    const caPem = await readFile(relay.pki.caFile, 'utf8');
    const events: relayApi.WebhookEvent[] = [
      'Delivered',
      'Deferred',
      'Bounced',
      'Suppressed',
      'LimitReached',
    ];
    const webhooks = [{ name: 'crm', url, secret: SECRET, events, caPem, ...change }];
    const settings = { webhooks, ...more };
    const account = { limits: { onWindowLimit: 'Reject' as const, ...limits } };
    await relay.push(
      ...allShards({ smarthostPort: sink.port, settings }, { revision: ++revision, account, domain }),
    );
  }

  async function send(to = 'someone@example.com'): Promise<string> {
    const reply = await (await Dialogue.loggedIn(relay)).send({ to: [to] });
    return /queued as (\w+)$/.exec(reply)?.[1] ?? reply;
  }

  const first = (type: string) => waitFor(() => told.find((event) => event.type === type), { what: type });
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${relay.ports.health}/metrics`)).text();
    return Number(new RegExp(`^migosmtp_relay_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };

  it('tell of a delivery, signed, and nothing of the content', async () => {
    await want({});
    const secretText = 'nobody else reads this';
    const dialogue = await Dialogue.loggedIn(relay);
    const reply = await dialogue.send({ data: simpleMessage({ Subject: secretText }, `${secretText}\r\n`) });
    const event = await first('message.delivered');
    expect(event.isSigned).toBe(true);
    expect(event.data).toMatchObject({
      queueId: /queued as (\w+)$/.exec(reply)?.[1],
      recipient: 'someone@example.com',
      account: 'checkout',
      namespace: 'shop',
      response: '250 2.0.0 taken',
      attempts: 1,
    });
    expect(event.text).not.toContain(secretText);
    await waitFor(async () => (await metric('webhook_events_waiting')) === 0, {
      what: 'the outbox to be empty',
    });
  });

  it('tell of a deferral and of a bounce, each once', async () => {
    await want({});
    sink.script = { dot: () => '451 4.3.0 later' };
    const deferred = await send();
    expect((await first('message.deferred')).data).toMatchObject({ queueId: deferred, status: 'deferred' });
    sink.script = { rcpt: (line) => (line.includes('nobody@') ? '550 5.1.2 no such host' : undefined) };
    const bounced = await send('nobody@example.com');
    expect((await first('message.bounced')).data).toMatchObject({
      queueId: bounced,
      response: '550 5.1.2 no such host',
    });
    expect(told.filter(({ data }) => data['queueId'] === bounced)).toHaveLength(1);
    await relay.call('DELETE', `/v1/queue/${deferred}`);
  });

  it('tell of a bounce that came back after the next hop had taken the mail', async () => {
    const bounces = { enabled: true, key: Buffer.alloc(32, 5).toString('base64') };
    await want({ events: ['Bounced'] }, {}, { bounces });
    const queueId = await send('gone@example.com');
    // By its recipient: the notification that the test before caused may arrive now.
    const sent = await waitFor(
      () => sink.received.find(({ recipients }) => recipients.some((to) => to.includes('gone@example.com'))),
      { what: 'the message at the next hop' },
    );
    await waitFor(
      async () =>
        (await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}&status=delivered`)).items
          .length,
      { what: 'the delivery' },
    );
    const replies = await sendBounce(relay.ports.bounces ?? 0, { to: sent.from });
    expect(replies.at(-1)).toMatch(/^250 /);
    expect((await first('message.bounced')).data).toMatchObject({
      queueId,
      recipient: 'gone@example.com',
      status: 'bounced',
      response: '550 5.1.1 user unknown',
    });
  });

  it('tell of a limit once in its window', async () => {
    await want({ events: ['LimitReached'] }, { perMonth: 1_000, perDay: 1 });
    for (let i = 0; i < 3; i++) expect(await send()).toMatch(/^451 4\.7\.1 /);
    expect((await first('limit.reached')).data).toMatchObject({
      scope: 'account',
      account: 'checkout',
      window: 'day',
      limit: 1,
    });
    expect(told.map(({ type }) => type)).toEqual(['limit.reached']);
  });

  it('repeat under the same id what a receiver did not take, also after a crash', async () => {
    await want({ events: ['Delivered'] });
    answer = () => 500;
    const queueId = await send();
    const refused = await first('message.delivered');
    await relay.kill('SIGKILL');
    answer = () => 204;
    await relay.restart();
    await waitFor(() => told.length >= 2, { what: 'the second attempt', timeoutMs: 80_000 });
    expect(told.map(({ id, data }) => [id, data['queueId']])).toEqual([
      [refused.id, queueId],
      [refused.id, queueId],
    ]);
    expect(told.every(({ isSigned }) => isSigned)).toBe(true);
  }, 120_000);

  it('post nothing to a receiver whose certificate does not hold, and log no secret', async () => {
    await want({ events: ['Delivered'], caPem: undefined });
    const queueId = await send();
    await waitFor(() => relay.log().includes('a webhook did not take an event'), { what: 'the refusal' });
    expect(told.filter(({ data }) => data['queueId'] === queueId)).toEqual([]);
    expect(relay.log()).not.toContain(SECRET);
    expect(relay.log()).not.toContain(KEY.toString('base64'));
  });
});

/** Verifies the signature as the specification says, with nothing of ours. */
async function take(request: IncomingMessage): Promise<Told> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const header = (name: string) => String(request.headers[name] ?? '');
  const id = header('webhook-id');
  const signed = `${id}.${header('webhook-timestamp')}.${text}`;
  const expected = `v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`;
  const isRecent = Math.abs(Date.now() / 1000 - Number(header('webhook-timestamp'))) < 60;
  const { type, data } = JSON.parse(text) as Pick<Told, 'type' | 'data'>;
  return { id, type, data, text, isSigned: isRecent && header('webhook-signature') === expected };
}
