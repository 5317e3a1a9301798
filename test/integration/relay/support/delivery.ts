/** Delivery with the real embedded store and real sockets, without a session in front: mail is put in as accepted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import { pino } from 'pino';
import { Delivery, Signer } from '../../../../relay/delivery/index.ts';
import { createMetrics, type Metrics } from '../../../../relay/metrics.ts';
import { Directory, type DirectoryPart } from '../../../../relay/policy/index.ts';
import { newQueueId, type NewMessage, openEmbeddedSpool, type Spool } from '../../../../relay/spool/index.ts';
import { HOSTNAME, testAccount, testDomain } from './relay.ts';
import { waitFor } from './wait.ts';

export interface DeliveryUnderTest {
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly metrics: Metrics;
  readonly log: () => string;
  /** Puts other settings or domains into force. */
  configure(change: Change): void;
  /** Accepts and hands over; answers the queue id. */
  submit(change?: Partial<NewMessage> & { text?: string }): Promise<string>;
  /** As `submit` takes it: a message whose content is kept in a file. */
  inFile(text: string): Promise<Partial<NewMessage> & { text: string }>;
  reports(queueId: string): Promise<relayApi.DeliveryReport[]>;
  /** Waits until every recipient of the message is in this state. */
  untilStatus(
    queueId: string,
    status: relayApi.DeliveryStatus,
    timeoutMs?: number,
  ): Promise<relayApi.DeliveryReport[]>;
  untilAttempts(queueId: string, attempts: number): Promise<relayApi.DeliveryReport>;
  /** Makes it due now. */
  retry(queueId: string): Promise<void>;
  /** Name and labels as in the exposition, without the prefix. */
  metric(name: string): Promise<number>;
  untilMetric(name: string, value: number): Promise<unknown>;
  stop(): Promise<void>;
}

export interface Change extends Partial<DirectoryPart> {
  readonly settings?: relayApi.RelaySettings;
}

type Lab = Pick<ConstructorParameters<typeof Delivery>[0], 'deadlines' | 'dns'>;

export function settingsFor(
  delivery: relayApi.RelaySettings['delivery'],
  change: Partial<relayApi.RelaySettings> = {},
): relayApi.RelaySettings {
  return {
    hostname: HOSTNAME,
    delivery,
    bounces: { enabled: false },
    messageLimits: { maxSize: 10_000_000, maxRecipients: 100 },
    retention: { reportsSeconds: 86_400 },
    ...change,
  };
}

export function smarthost(port: number, change: object = {}): relayApi.RelaySettings['delivery'] {
  return { mode: 'smarthost', host: '127.0.0.1', port, tls: 'None', ...change };
}

/** `lab`: shorter deadlines, a DNS server of the test. */
export async function startDelivery(change: Change, lab: Lab = {}): Promise<DeliveryUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'delivery-test-'));
  const { spool } = await openEmbeddedSpool(folder);
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const directory = new Directory();
  const signer = new Signer(log);
  const metrics = createMetrics();
  const delivery = new Delivery({ spool, directory, signer, metrics, log, ...lab });
  const configure = (next: Change) => {
    directory.replace(0, { accounts: [testAccount()], domains: [testDomain()], workspaces: [], ...next });
    delivery.directoryChanged();
  };
  configure(change);
  const reports = async (queueId: string) => (await spool.reports({ limit: 1_000, queueId })).items;
  const metric = async (name: string) => {
    const text = await metrics.registry.metrics();
    const line = text.split('\n').find((entry) => entry.startsWith(`migosmtp_relay_${name} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return {
    spool,
    delivery,
    metrics,
    log: () => lines.join(''),
    configure,
    async submit(given = {}) {
      const message = messageOf(given);
      const result = await spool.accept(message, {
        scopes: [],
        claim: delivery.hasRoomFor(message.accountId),
      });
      if (result.kind !== 'accepted') throw new Error('not accepted');
      if (result.claimed.length > 0) delivery.take({ ...message, recipients: result.claimed });
      else delivery.wake();
      return message.queueId;
    },
    async inFile(text) {
      const queueId = newQueueId(Date.now());
      const writer = await spool.openBody(queueId);
      await writer.write(Buffer.from(text, 'latin1'));
      return { text, queueId, body: await writer.finish() };
    },
    reports,
    untilStatus: (queueId, status, timeoutMs = 15_000) =>
      waitFor(
        async () => {
          const found = await reports(queueId);
          return found.length > 0 && found.every((report) => report.status === status) ? found : undefined;
        },
        { what: `${queueId} to be ${status}`, timeoutMs },
      ),
    untilAttempts: (queueId, attempts) =>
      waitFor(async () => (await reports(queueId)).find((report) => report.attempts >= attempts), {
        what: `attempt ${attempts} of ${queueId}`,
      }),
    async retry(queueId) {
      await spool.retry(queueId, Date.now());
      delivery.wake();
    },
    metric,
    untilMetric: (name, value) =>
      waitFor(async () => (await metric(name)) === value, { what: `${name} to be ${value}` }),
    async stop() {
      await delivery.stop(0);
      await signer.stop();
      await spool.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function messageOf({ text, ...change }: Partial<NewMessage> & { text?: string }): NewMessage {
  const account = testAccount();
  const queueId = newQueueId(Date.now());
  const header = `Message-ID: <${queueId}@shop.example>\r\nFrom: hello@shop.example\r\nSubject: Test\r\n\r\n`;
  const data = Buffer.from(text ?? `${header}Hello\r\n`, 'latin1');
  return {
    queueId,
    messageId: `<${queueId}@shop.example>`,
    kind: 'submission',
    accountId: account.id,
    namespace: account.namespace,
    account: account.name,
    username: account.username,
    verifier: 'r1',
    envelopeFrom: 'hello@shop.example',
    signingDomain: 'shop.example',
    headerSize: data.indexOf('\r\n\r\n') + 4,
    size: data.length,
    eightBit: data.some((byte) => byte > 0x7f),
    smtpUtf8: false,
    acceptedAt: Date.now(),
    recipients: ['x@example.com'],
    body: { kind: 'inline', data },
    lifetimeMs: 5 * 24 * 3_600_000,
    ...change,
  };
}
