/** What the next hop answers: later, never, partly, or not at all. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

describe('delivery', () => {
  let sink: Sink;
  let relay: TestRelay;
  let dialogue: Dialogue;
  let revision = 1;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    dialogue = await Dialogue.loggedIn(relay);
  });

  beforeEach(() => {
    sink.script = {};
    sink.received.length = 0;
  });

  /** Nothing of one test, a bounce or a suppressed recipient for example, is left for the next. */
  afterEach(async () => {
    const isEmpty = async () => (await relay.get<relayApi.ReportPage>('/v1/queue')).items.length === 0;
    await waitFor(isEmpty, { what: 'the queue to be empty' });
    const { items } = await relay.get<relayApi.SuppressionPage>('/v1/suppressions');
    for (const { namespace, recipient } of items)
      await relay.call('DELETE', `/v1/suppressions?namespace=${namespace}&recipient=${recipient}`);
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function send(message: Parameters<Dialogue['send']>[0] = {}): Promise<string> {
    const queueId = /^250 2\.0\.0 .*queued as (\w+)$/.exec(await dialogue.send(message))?.[1];
    if (!queueId) throw new Error('not accepted');
    return queueId;
  }

  async function reports(queueId: string): Promise<relayApi.DeliveryReport[]> {
    return (await relay.get<relayApi.ReportPage>(`/v1/reports?queueId=${queueId}`)).items;
  }

  async function unknownOutcomes(): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${relay.ports.health}/metrics`)).text();
    return Number(/^migosmtp_relay_delivery_unknown_outcomes_total (\d+)$/m.exec(metrics)?.[1]);
  }

  function untilStatus(queueId: string, status: relayApi.DeliveryStatus): Promise<relayApi.DeliveryReport> {
    return waitFor(async () => (await reports(queueId)).find((report) => report.status === status), {
      what: `${queueId} to be ${status}`,
    });
  }

  it('delivers within milliseconds of the 250', async () => {
    await send();
    await sink.waitFor(1);
    const started = Date.now();
    await send();
    await sink.waitFor(2);
    expect((sink.received[1]?.at ?? Infinity) - started).toBeLessThan(500);
  });

  it('defers on 4xx and delivers on the next attempt with the same Message-ID', async () => {
    const seen: string[] = [];
    sink.script = {
      dot: ({ data }) => {
        seen.push(/^Message-ID: (.*)\r$/im.exec(data.toString())?.[1] ?? '');
        return seen.length === 1 ? '451 4.3.0 try later' : undefined;
      },
    };
    const queueId = await send();
    const report = await untilStatus(queueId, 'deferred');
    expect(report).toMatchObject({ attempts: 1, response: '451 4.3.0 try later' });
    expect((await relay.call('POST', `/v1/queue/${queueId}/retry`)).status).toBe(200);
    expect(await untilStatus(queueId, 'delivered')).toMatchObject({ attempts: 2, messageId: seen[0] });
    expect(seen).toEqual([seen[0], seen[0]]);
  });

  it('bounces 5xx with one DSN to the sender', async () => {
    sink.script = { rcpt: (line) => (line.includes('gone@') ? '550 5.1.1 no such user' : undefined) };
    const queueId = await send({ to: ['gone@example.com'] });
    expect(await untilStatus(queueId, 'bounced')).toMatchObject({ response: '550 5.1.1 no such user' });
    const [bounce] = await sink.waitFor(1);
    expect(bounce).toMatchObject({ from: '', recipients: ['hello@shop.example'] });
    const text = bounce?.data.toString() ?? '';
    expect(text).toContain('Content-Type: multipart/report; report-type=delivery-status');
    expect(text).toContain(
      'Final-Recipient: rfc822; gone@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n',
    );
    expect(text).toContain('Diagnostic-Code: smtp; 550 5.1.1 no such user');
    expect(text).toContain('Subject: Test\r\n');
    expect(sink.received).toHaveLength(1);
  });

  it('keeps the state of each recipient: one delivered, one deferred, one bounced', async () => {
    sink.script = {
      rcpt: (line) => {
        if (line.includes('gone@')) return '550 5.1.1 no';
        return line.includes('busy@') ? '450 4.2.1 busy' : undefined;
      },
    };
    const queueId = await send({ to: ['ok@example.com', 'busy@example.com', 'gone@example.com'] });
    await untilStatus(queueId, 'bounced');
    await sink.waitFor(2);
    const found = Object.fromEntries(
      (await reports(queueId)).map((report) => [report.recipient, report.status]),
    );
    expect(found).toEqual({
      'ok@example.com': 'delivered',
      'busy@example.com': 'deferred',
      'gone@example.com': 'bounced',
    });
    expect((await relay.call('DELETE', `/v1/queue/${queueId}`)).status).toBe(200);
    expect((await relay.call('DELETE', `/v1/queue/${queueId}`)).status).toBe(404);
  });

  it.each([
    ['garbage', '\u0000\u001b[2J nonsense'],
    ['a code that makes no sense here', '354 go on'],
    ['ten thousand lines', `${'451-x\r\n'.repeat(10_000)}451 4.3.0 no`],
  ])('takes %s after the final dot as a reason to try again, in one clean line', async (_, reply) => {
    let first = true;
    sink.script = {
      dot: () => {
        const answer = first ? reply : undefined;
        first = false;
        return answer;
      },
    };
    const queueId = await send();
    const report = await untilStatus(queueId, 'deferred');
    expect(report.response).toMatch(/^[ -~]{1,500}$/);
    await relay.call('POST', `/v1/queue/${queueId}/retry`);
    await untilStatus(queueId, 'delivered');
  });

  it('bounces what the next hop says it does not take, without sending it', async () => {
    sink.script = { ehlo: ['SIZE 300'] };
    revision++;
    // Another next hop by name: the connections that were opened with the other EHLO are not used again.
    const delivery = { mode: 'smarthost' as const, host: 'localhost', port: sink.port, tls: 'None' as const };
    await relay.push(...allShards({ smarthostPort: sink.port, settings: { delivery } }, { revision }));
    const large = await send({ data: `From: hello@shop.example\r\n\r\n${'x'.repeat(500)}\r\n` });
    expect(await untilStatus(large, 'bounced')).toMatchObject({
      response: expect.stringContaining('552 5.3.4'),
    });
    sink.script = { ehlo: ['SIZE'] };
    revision++;
    await relay.push(...allShards({ smarthostPort: sink.port }, { revision }));
    const eightBit = await send({ data: 'From: hello@shop.example\r\nSubject: \xe4\r\n\r\nx\r\n' });
    expect(await untilStatus(eightBit, 'bounced')).toMatchObject({
      response: expect.stringContaining('554 5.6.3'),
    });
    sink.script = {};
    revision++;
    await relay.push(...allShards({ smarthostPort: sink.port, settings: { delivery } }, { revision }));
  });

  it('drops the bounce of a bounce', async () => {
    sink.script = { rcpt: () => '550 5.1.1 nobody here' };
    await send();
    const metrics = async () => (await fetch(`http://127.0.0.1:${relay.ports.health}/metrics`)).text();
    await waitFor(
      async () => (await metrics()).includes('migosmtp_relay_bounces_total{result="dropped"} 1'),
      {
        what: 'the dropped bounce to be counted',
      },
    );
    expect(sink.received).toHaveLength(0);
  });

  it('tries again after the connection was lost behind the final dot, and counts it', async () => {
    const before = await unknownOutcomes();
    let drops = 0;
    sink.script = { dot: () => (drops++ === 0 ? 'drop' : undefined) };
    const queueId = await send();
    await untilStatus(queueId, 'deferred');
    await relay.call('POST', `/v1/queue/${queueId}/retry`);
    await untilStatus(queueId, 'delivered');
    const ids = sink.received.map(({ data }) => /^Message-ID: (.*)\r$/im.exec(data.toString())?.[1]);
    expect(ids).toEqual([ids[0], ids[0]]);
    expect((await unknownOutcomes()) - before).toBe(1);
  });

  it('keeps mail while the next hop is away and sends it when it is back', async () => {
    const { port } = sink;
    await sink.close();
    const queueId = await send();
    const other = await send();
    expect(await untilStatus(queueId, 'deferred')).toMatchObject({
      response: expect.stringContaining('ECONNREFUSED'),
    });
    sink = await startSink(port);
    await untilStatus(queueId, 'delivered');
    await untilStatus(other, 'delivered');
  });

  it('holds mail and does not bounce it when the next hop refuses our login', async () => {
    const settings = (password: string) => ({
      delivery: {
        mode: 'smarthost' as const,
        host: '127.0.0.1',
        port: sink.port,
        tls: 'None' as const,
        username: 'relay',
        password,
      },
    });
    sink.script = {
      auth: (line) =>
        line.includes(Buffer.from('\0relay\0right').toString('base64')) ? undefined : '535 5.7.8 no',
    };
    const configure = async (password: string) => {
      revision++;
      await relay.push(
        ...allShards({ smarthostPort: sink.port, settings: settings(password) }, { revision }),
      );
    };
    await configure('wrong');
    const queueId = await send();
    expect(await untilStatus(queueId, 'deferred')).toMatchObject({
      response: expect.stringContaining('535 5.7.8'),
    });
    await waitFor(() => relay.log().includes('next hop refuses us'), { what: 'the alert in the log' });
    await configure('right');
    await untilStatus(queueId, 'delivered');
    expect(sink.received).toHaveLength(1);
    expect(relay.log()).not.toContain(Buffer.from('\0relay\0right').toString('base64'));
  });

  it('never sends without TLS where TLS is required', async () => {
    revision++;
    const delivery = {
      mode: 'smarthost' as const,
      host: '127.0.0.1',
      port: sink.port,
      tls: 'Required' as const,
    };
    await relay.push(...allShards({ smarthostPort: sink.port, settings: { delivery } }, { revision }));
    const queueId = await send();
    await untilStatus(queueId, 'deferred');
    expect(sink.received).toHaveLength(0);
    revision++;
    await relay.push(...allShards({ smarthostPort: sink.port }, { revision }));
    await untilStatus(queueId, 'delivered');
  });
});
