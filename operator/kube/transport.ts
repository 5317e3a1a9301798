/**
 * One request and its answer: turns, fence, retries of what was throttled, errors.
 *
 * Answers below 400 are parsed; everything else is thrown as a KubeError. 429 is waited out here, because the server
 * has not acted; every other retry belongs to the caller's queue. Writes pass the fence in the moment in which they are
 * sent (fencing.ts): a process that has lost its lease writes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { Connection } from './config.ts';
import { connectorWithin } from './connector.ts';
import { Fenced, fencing } from './fencing.ts';
import { errorOfAnswer, errorOfFailure, KubeError } from './errors.ts';
import type { Query } from './paths.ts';
import { Turns } from './turns.ts';
import type { WatchTransport } from './watch.ts';

/** Field manager of everything that the operator writes. */
export const FIELD_MANAGER = 'migosmtp-operator';

const JSON_TYPE = 'application/json';
/** Every API server that has custom resources of v1 knows it; one that did not would send the whole object. */
const METADATA = `${JSON_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io,${JSON_TYPE}`;

export interface RequestRecord {
  method: string;
  resource: string;
  status: number;
  seconds: number;
}

export interface ClientOptions {
  /** Called before every write; throws when this process may not write. */
  fence?: () => void;
  onRequest?: (record: RequestRecord) => void;
  timeoutMs?: number;
  /** As the audit log names this process; without it FIELD_MANAGER. */
  userAgent?: string;
}

export interface Call {
  method: Dispatcher.HttpMethod;
  path: string;
  query?: Query | undefined;
  body?: unknown;
  contentType?: string | undefined;
  type: string;
  sensitive: boolean;
  isVital: boolean;
  /** Passes the fence. */
  isWrite: boolean;
  signal?: AbortSignal | undefined;
  isMetadataEnough?: boolean | undefined;
}

/** Requests under way at a time, watches and what is vital aside. */
const CONNECTIONS = 48;

/** The time between giving up the lease and its end; see connector.ts. */
const CONNECT_MS = 5_000;

/** Attempts that a 429 may cost before it is thrown. */
const TRIES = 6;

interface Agents {
  requests: Agent;
  vital: Agent;
}

export class Transport {
  readonly #connection: Connection;
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly #agents: Agents;
  /** The same connections; what is sent by them passes the fence. */
  readonly #fenced: Record<keyof Agents, Dispatcher>;
  readonly #turns: Turns;

  constructor(connection: Connection, options: ClientOptions = {}, shared?: Transport) {
    this.#connection = connection;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 15_000;
    this.#turns = shared === undefined ? new Turns(CONNECTIONS) : shared.#turns;
    this.#agents = shared === undefined ? agentsOf(connection, this.#timeoutMs) : shared.#agents;
    const { requests, vital } = this.#agents;
    const pass = options.fence === undefined ? [] : [fencing(options.fence)];
    this.#fenced = { requests: requests.compose(pass), vital: vital.compose(pass) };
  }

  /** The same connections; writes pass this fence. */
  fenced(fence: () => void): Transport {
    return new Transport(this.#connection, { ...this.#options, fence }, this);
  }

  /** What a watch needs to open a stream of its own. */
  get streams(): WatchTransport {
    return {
      dispatcher: this.#agents.vital,
      origin: this.#connection.server,
      headers: () => this.#headers(),
    };
  }

  /** Ends every request and watch at once. */
  async close(): Promise<void> {
    await Promise.all([this.#agents.requests.destroy(), this.#agents.vital.destroy()]);
  }

  async request<T>(call: Call): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt<T>(call);
      } catch (error) {
        const isThrottled = error instanceof KubeError && error.status === 429;
        if (!isThrottled || attempt === TRIES) throw error;
        await sleep(error.retryAfterMs ?? 250 * attempt, undefined, {
          ...(call.signal && { signal: call.signal }),
        });
      }
    }
  }

  async #attempt<T>(call: Call): Promise<T> {
    const leave = call.isVital ? undefined : await this.#turns.take();
    try {
      return await this.#send<T>(call);
    } finally {
      leave?.();
    }
  }

  async #send<T>(call: Call): Promise<T> {
    const startedAt = performance.now();
    let status = 0;
    try {
      const dispatchers = call.isWrite ? this.#fenced : this.#agents;
      const answer = await dispatchers[call.isVital ? 'vital' : 'requests'].request({
        origin: this.#connection.server,
        path: withQuery(call.path, call.query),
        method: call.method,
        headers: this.#headers(call),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        ...(call.signal ? { signal: call.signal } : {}),
        ...(call.isVital ? { bodyTimeout: this.#timeoutMs } : {}),
      });
      status = answer.statusCode;
      const text = await answer.body.text();
      if (status >= 400) {
        throw errorOfAnswer(call, status, text, headerOf(answer.headers['retry-after']));
      }
      return JSON.parse(text) as T;
    } catch (error) {
      if (error instanceof Fenced) throw error.cause;
      throw error instanceof KubeError ? error : errorOfFailure(call, error);
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      this.#options.onRequest?.({ method: call.method, resource: call.type, status, seconds });
    }
  }

  #headers(call?: Call): Record<string, string> {
    const contentType = call?.body === undefined ? undefined : (call.contentType ?? JSON_TYPE);
    const headers: Record<string, string> = {
      accept: call?.isMetadataEnough === true ? METADATA : JSON_TYPE,
      'user-agent': this.#options.userAgent ?? FIELD_MANAGER,
    };
    const authorization = this.#connection.authorization();
    if (authorization !== undefined) headers['authorization'] = authorization;
    if (contentType !== undefined) headers['content-type'] = contentType;
    return headers;
  }
}

/** Connections for requests, and others for watches and what is vital. */
function agentsOf({ tls }: Connection, timeoutMs: number): Agents {
  const common = {
    // Node's HTTP/2 costs several times the CPU of HTTP/1.1 over kept connections.
    connect: connectorWithin(CONNECT_MS, { ...tls, keepAlive: true, allowH2: false }),
    allowH2: false,
    keepAliveTimeout: 60_000,
    headersTimeout: timeoutMs,
  };
  return {
    requests: new Agent({ ...common, connections: CONNECTIONS, bodyTimeout: timeoutMs }),
    // Watches hold their connection for minutes: with their own they never starve requests. What is vital goes beside
    // them: a lease that waits behind hundreds of other requests is lost, and the process ends in the middle of a wave.
    vital: new Agent({ ...common, connections: null, bodyTimeout: 0 }),
  };
}

function withQuery(path: string, query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
