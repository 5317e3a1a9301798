/**
 * The admin API of one relay pod: HTTPS with a certificate on both sides.
 *
 * The pod is dialled by its address and must show a certificate of the relay's own CA for ADMIN_SERVER_NAME; a pod
 * that took over the address of another relay's pod is refused by that.
 */
import { Agent, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { relayApi } from '../api/index.ts';

/** How the operator shows itself to the pods of one relay. PEM. */
export interface AdminIdentity {
  ca: string;
  cert: string;
  key: string;
}

export class AdminError extends Error {
  readonly kind = 'Temporary';
  /** HTTP status; 0: no answer. */
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'AdminError';
    this.status = status;
  }
}

export interface ReportQuery {
  namespace?: string | undefined;
  account?: string | undefined;
  queueId?: string | undefined;
  messageId?: string | undefined;
  recipient?: string | undefined;
  status?: relayApi.DeliveryStatus | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

const TIMEOUT_MS = 5_000;

export class AdminClient {
  readonly #origin: string;
  readonly #dispatcher: Agent;

  constructor(address: string, identity: AdminIdentity) {
    this.#origin = `https://${address.includes(':') ? `[${address}]` : address}:${relayApi.ADMIN_PORT}`;
    this.#dispatcher = new Agent({
      connections: 2,
      allowH2: false,
      connect: { ...identity, servername: relayApi.ADMIN_SERVER_NAME, timeout: 2_000 },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
  }

  /** Revisions that the pod holds of these shards now, stored durably. */
  async push(shards: relayApi.Shard[]): Promise<Map<number, number>> {
    const answer = await this.#call('PUT', '/v1/shards', relayApi.pushResponseSchema, { shards });
    return revisionsOf(answer.applied);
  }

  state(): Promise<relayApi.RelayState> {
    return this.#call('GET', '/v1/state', relayApi.relayStateSchema);
  }

  usage(query: { namespace?: string; account?: string } = {}): Promise<relayApi.UsageResponse> {
    return this.#call('GET', `/v1/usage${search(query)}`, relayApi.usageResponseSchema);
  }

  reports(query: ReportQuery): Promise<relayApi.ReportPage> {
    return this.#call('GET', `/v1/reports${search({ ...query })}`, relayApi.reportPageSchema);
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #call<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    schema: z.ZodType<T>,
    body?: object,
  ): Promise<T> {
    const text = await this.#request(method, path, body);
    const result = schema.safeParse(JSON.parse(text));
    if (result.success) return result.data;
    throw new AdminError(`${method} ${path} was answered in a form that this release does not know`, 200);
  }

  async #request(method: Dispatcher.HttpMethod, path: string, body: object | undefined): Promise<string> {
    try {
      const answer = await this.#dispatcher.request({
        origin: this.#origin,
        path,
        method,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode < 400) return text;
      // The body of a refused push could quote what was pushed: only the status is told.
      throw new AdminError(`${method} ${path} was answered with ${answer.statusCode}`, answer.statusCode);
    } catch (error) {
      if (error instanceof AdminError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      throw new AdminError(`${method} ${path} had no answer (${code})`, 0, error);
    }
  }
}

export function revisionsOf(applied: Record<string, number>): Map<number, number> {
  return new Map(Object.entries(applied).map(([shard, revision]) => [Number(shard), revision]));
}

function search(query: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) params.set(name, String(value));
  }
  return params.size === 0 ? '' : `?${params.toString()}`;
}
