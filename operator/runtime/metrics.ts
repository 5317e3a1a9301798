/** Prometheus metrics of the runtime. Kinds add their own to the same registry. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestRecord } from '../kube/index.ts';

export class Metrics {
  readonly registry = new Registry();
  readonly reconciles = new Counter({
    name: 'migosmtp_reconcile_total',
    help: 'Reconciles by controller and outcome.',
    labelNames: ['controller', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly reconcileSeconds = new Histogram({
    name: 'migosmtp_reconcile_seconds',
    help: 'Time of one reconcile.',
    labelNames: ['controller'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [this.registry],
  });
  readonly queueSeconds = new Histogram({
    name: 'migosmtp_queue_seconds',
    help: 'Time that a key waited for a worker.',
    labelNames: ['controller'] as const,
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30],
    registers: [this.registry],
  });
  readonly requests = new Counter({
    name: 'migosmtp_api_requests_total',
    help: 'Requests to the API server. Code 0: no answer.',
    labelNames: ['method', 'resource', 'code'] as const,
    registers: [this.registry],
  });
  readonly requestSeconds = new Histogram({
    name: 'migosmtp_api_request_seconds',
    help: 'Time of requests to the API server.',
    labelNames: ['method'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly leader = new Gauge({
    name: 'migosmtp_leader',
    help: '1 while this process holds the lease.',
    registers: [this.registry],
  });

  readonly #depths = new Map<string, () => number>();
  /** Asked when somebody looks: a queue whose workers all hang must not show what it was before. */
  readonly queueDepth = depthGauge(this.registry, this.#depths);

  constructor() {
    // Memory, CPU, garbage collection and the event loop, under the names that every Node dashboard has.
    collectDefaultMetrics({ register: this.registry });
  }

  /** Keys that wait in a controller's queue, from now on. */
  watchQueue(controller: string, depth: () => number): void {
    this.#depths.set(controller, depth);
  }

  /** For ClientOptions.onRequest. */
  readonly countRequest = (record: RequestRecord): void => {
    this.requests.inc({ method: record.method, resource: record.resource, code: String(record.status) });
    this.requestSeconds.observe({ method: record.method }, record.seconds);
  };
}

function depthGauge(registry: Registry, depths: ReadonlyMap<string, () => number>): Gauge<'controller'> {
  return new Gauge({
    name: 'migosmtp_queue_depth',
    help: 'Keys that wait for a worker.',
    labelNames: ['controller'] as const,
    registers: [registry],
    collect() {
      for (const [controller, depth] of depths) this.set({ controller }, depth());
    },
  });
}
