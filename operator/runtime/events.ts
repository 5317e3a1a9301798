/**
 * Kubernetes events for people. Equal ones are counted in one object, and an object gets only so many: events never
 * slow a reconcile down and never fail it.
 */
import { apiVersionOf, Events, type AnyObject, type KubeClient, type Resource } from '../kube/index.ts';
import { timestampOf } from './conditions.ts';
import type { Log } from './log.ts';

export interface EventDraft {
  type: 'Normal' | 'Warning';
  reason: string;
  /** What happened and what to do; never a secret. */
  message: string;
}

interface Series {
  name: string;
  count: number;
  lastAt: number;
  /** Writes go one after the other: of two on their way at once the lower count could come last. */
  written: Promise<unknown>;
}

const SERIES_MS = 10 * 60_000;
const MOST_SERIES = 2_000;
/** Within a series an update is written for counts 2, 4, 8 ... only. */
const isWorthWriting = (count: number): boolean => (count & (count - 1)) === 0;

export class EventRecorder {
  readonly #series = new Map<string, Series>();
  readonly #client: KubeClient;
  readonly #log: Log;

  constructor(client: KubeClient, log: Log) {
    this.#client = client;
    this.#log = log;
  }

  record(resource: Resource, object: AnyObject, draft: EventDraft): void {
    void this.#write(resource, object, draft).catch((error: unknown) => {
      this.#log.debug({ err: error, reason: draft.reason }, 'event was not written');
    });
  }

  async #write(resource: Resource, object: AnyObject, draft: EventDraft): Promise<void> {
    const now = new Date();
    const key = [object.metadata.uid, draft.reason, draft.message].join('|');
    const series = this.#series.get(key);
    const namespace = object.metadata.namespace ?? 'default';
    if (series !== undefined && now.getTime() - series.lastAt < SERIES_MS) {
      series.count++;
      series.lastAt = now.getTime();
      if (!isWorthWriting(series.count)) return;
      const patch = { count: series.count, lastTimestamp: timestampOf(now) };
      const ref = { namespace, name: series.name };
      series.written = series.written
        .catch(() => undefined)
        .then(() => this.#client.merge(Events, ref, patch));
      await series.written;
      return;
    }
    const name = `${object.metadata.name.slice(0, 200)}.${now.getTime().toString(16)}${Math.random().toString(16).slice(2, 8)}`;
    const written = this.#client.create(Events, {
      metadata: { namespace, name },
      involvedObject: {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name: object.metadata.name,
        ...(object.metadata.namespace === undefined ? {} : { namespace }),
        ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
      },
      ...draft,
      count: 1,
      firstTimestamp: timestampOf(now),
      lastTimestamp: timestampOf(now),
      source: { component: 'migosmtp-operator' },
    });
    this.#remember(key, { name, count: 1, lastAt: now.getTime(), written });
    try {
      await written;
    } catch (error) {
      // Nothing is there to be counted up: the next one begins anew.
      this.#series.delete(key);
      throw error;
    }
  }

  #remember(key: string, series: Series): void {
    this.#series.delete(key);
    this.#series.set(key, series);
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= MOST_SERIES) break;
      this.#series.delete(oldest);
    }
  }
}
