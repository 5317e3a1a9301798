/** The one file that owns prom-client: every metric, named migosmtp_relay_*, with base units. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter<T>({ name: `migosmtp_relay_${name}`, help, labelNames, registers });
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge<T>({ name: `migosmtp_relay_${name}`, help, labelNames, registers });
  return {
    registry,
    sessions: gauge('sessions', 'Open SMTP sessions.'),
    logins: counter('logins_total', 'Logins by result: ok, refused.', ['result']),
    accepted: counter('accepted_recipients_total', 'Recipients accepted with 250.'),
    refused: counter('refused_total', 'Senders and messages refused, by reply code.', ['code', 'enhanced']),
    attempts: counter('delivery_attempts_total', 'Recipients tried upstream, by outcome.', ['outcome']),
    unknownOutcomes: counter(
      'delivery_unknown_outcomes_total',
      'Messages whose connection ended after the data was sent: tried again, perhaps delivered twice.',
    ),
    bounces: counter(
      'bounces_total',
      'Delivery status notifications: sent, or dropped (bounce of a bounce).',
      ['result'],
    ),
    bouncesReceived: counter(
      'bounces_received_total',
      'Messages to return paths: failed, other (delays, answers), dropped (unknown or told before).',
      ['kind'],
    ),
    deliverySeconds: new Histogram({
      name: 'migosmtp_relay_delivery_seconds',
      help: 'From 250 to the acceptance by the next hop.',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600, 21_600, 86_400],
      registers,
    }),
    destinationsDown: gauge('destinations_down', 'Next hops that refuse connection, TLS or login.'),
    queue: gauge('queue_recipients', 'Recipients that wait, by state: queued (with deferred), held.', [
      'state',
    ]),
    queueOldest: gauge('queue_oldest_seconds', 'Age of the oldest recipient in the queue that is not held.'),
    shardsMissing: gauge('shards_missing', 'Shards that no revision is known of.'),
    storeWritable: gauge('store_writable', '1 while the store takes writes.'),
    webhookEvents: counter(
      'webhook_events_total',
      'Attempts to tell a webhook of an event, by result: taken, refused, failed, dropped.',
      ['result'],
    ),
    webhookWaiting: gauge('webhook_events_waiting', 'Events in the outbox that no receiver has taken yet.'),
    queueStuck: gauge(
      'queue_stuck_seconds',
      'For how long mail is due and nothing was tried although next hops are up; 0: all is well.',
    ),
    clockJumps: counter('clock_jumps_total', 'Times that the wall clock was set by more than 5 seconds.'),
    clockJump: gauge('clock_last_jump_seconds', 'By how much it was set last; negative: back.'),
    storageFree: gauge('storage_free_bytes', 'Free on the volume of the store.'),
    storageSize: gauge('storage_size_bytes', 'Size of the volume of the store.'),
    healthy: gauge('healthy', '1 while /healthz finds nothing.'),
    ready: gauge('ready', '1 while logins are answered.'),
  };
}
