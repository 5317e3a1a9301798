/** The live tail: whoever listens hears each change of a report as this process makes it. */
import type { ServerResponse } from 'node:http';
import type { relayApi } from '@migosmtp/operator/api';
import type { MessageMeta, RecipientOutcome } from '../spool/index.ts';

export interface TailFilter {
  readonly namespace?: string | undefined;
  readonly account?: string | undefined;
  readonly queueId?: string | undefined;
  readonly recipient?: string | undefined;
  readonly status?: relayApi.DeliveryStatus | undefined;
}

const MAX_LISTENERS = 20;
const HEARTBEAT_MS = 15_000;
/** What a listener may be behind; one that is slower is sent away, for nobody waits for it. */
const MAX_BEHIND = 1024 * 1024;

export class ReportTail {
  readonly #listeners = new Map<ServerResponse, TailFilter>();
  #timer: NodeJS.Timeout | undefined;

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Newline-delimited JSON from now on; an empty line now and then shows that the line is alive. False: too many listen. */
  listen(response: ServerResponse, filter: TailFilter): boolean {
    if (this.#listeners.size >= MAX_LISTENERS) return false;
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.write('\n');
    this.#listeners.set(response, filter);
    response.on('close', () => this.#forget(response));
    this.#timer ??= setInterval(() => this.#say('\n', () => true), HEARTBEAT_MS);
    this.#timer.unref();
    return true;
  }

  accepted(message: MessageMeta, recipients: readonly string[], held: boolean): void {
    for (const recipient of recipients) {
      this.#publish({
        ...reportOf(message, recipient, message.acceptedAt),
        status: held ? 'held' : 'queued',
        attempts: 0,
        response: null,
        remoteHost: null,
        deliveredAt: null,
      });
    }
  }

  changed(
    message: MessageMeta,
    { address, attempts }: { readonly address: string; readonly attempts: number },
    outcome: RecipientOutcome,
    at: number,
  ): void {
    this.#publish({
      ...reportOf(message, address, at),
      status: outcome.status,
      attempts: attempts + Number(outcome.attempted),
      response: outcome.response,
      remoteHost: outcome.remoteHost,
      deliveredAt: outcome.status === 'delivered' ? iso(at) : null,
    });
  }

  close(): void {
    for (const response of this.#listeners.keys()) response.destroy();
  }

  #publish(report: relayApi.DeliveryReport): void {
    this.#say(`${JSON.stringify(report)}\n`, (filter) => matches(filter, report));
  }

  #say(line: string, wants: (filter: TailFilter) => boolean): void {
    for (const [response, filter] of this.#listeners) {
      if (!wants(filter)) continue;
      if (response.writableLength > MAX_BEHIND) response.destroy();
      else response.write(line);
    }
  }

  #forget(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function matches(filter: TailFilter, report: relayApi.DeliveryReport): boolean {
  return (['namespace', 'account', 'queueId', 'recipient', 'status'] as const).every(
    (name) => filter[name] === undefined || filter[name] === report[name],
  );
}

function reportOf(message: MessageMeta, recipient: string, at: number) {
  const { queueId, messageId, namespace, account, username, verifier, envelopeFrom, size } = message;
  const names = { queueId, messageId, namespace, account, username, verifier, envelopeFrom, size };
  return { ...names, recipient, acceptedAt: iso(message.acceptedAt), updatedAt: iso(at) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
