import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';

/** What is needed to reach the API server with a client certificate. All PEM texts. */
export interface ApiAccess {
  server: string;
  authority: string;
  certificate: string;
  key: string;
}

/** A Kubernetes object as far as this part looks at any kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    finalizers?: string[];
  };
}

export interface ApiAnswer<T = unknown> {
  status: number;
  body: T;
}

/** An answer other than the expected ones. The message has method, path and the server's own words only. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  constructor(method: string, path: string, status: number, message: string) {
    super(`${method} ${path} answered ${status}: ${message}`);
    this.status = status;
  }
}

export type PatchKind = 'merge' | 'strategic' | 'apply';

const patchTypes: Record<PatchKind, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A small client over one keep-alive connection pool: enough for the node agent and for tests' raw requests. */
export class ApiClient {
  readonly access: ApiAccess;
  readonly #agent: Agent;

  constructor(access: ApiAccess) {
    this.access = access;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 50,
      ca: access.authority,
      cert: access.certificate,
      key: access.key,
    });
  }

  /** Sends a request and returns whatever the answer is; rejects only when there is none. */
  async send<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    options: { patch?: PatchKind; timeoutMs?: number } = {},
  ): Promise<ApiAnswer<T>> {
    const response = await this.#open(method, path, body, options.patch, options.timeoutMs ?? 30_000);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const isJson = response.headers['content-type']?.includes('json') === true;
    return { status: response.statusCode ?? 0, body: (isJson ? JSON.parse(text) : text) as T };
  }

  /** Sends a request whose answer must be 2xx, or one of `allowed` (then the result is undefined). */
  async call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    options: { patch?: PatchKind; allowed?: readonly number[] } = {},
  ): Promise<T | undefined> {
    const answer = await this.send<T & { message?: string }>(method, path, body, options);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    if (options.allowed?.includes(answer.status) === true) return undefined;
    const message = answer.body?.message ?? String(answer.body).slice(0, 200);
    throw new ApiError(method, path.split('?')[0] ?? path, answer.status, message);
  }

  async get<T = unknown>(path: string): Promise<T> {
    return (await this.call<T>('GET', path)) as T;
  }

  /** Yields the events of a watch until the server ends it; `signal` cuts it. */
  async *watch<T>(path: string, signal: AbortSignal): AsyncGenerator<{ type: string; object: T }> {
    const response = await this.#open('GET', path, undefined, undefined, 0, signal);
    if (response.statusCode !== 200) {
      response.resume();
      throw new ApiError('WATCH', path.split('?')[0] ?? path, response.statusCode ?? 0, 'watch refused');
    }
    let rest = '';
    response.setEncoding('utf8');
    for await (const chunk of response) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as { type: string; object: T };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(
    method: string,
    path: string,
    body: unknown,
    patch: PatchKind | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(new URL(path, this.access.server), {
        method,
        agent: this.#agent,
        timeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          accept: 'application/json',
          ...(text === undefined
            ? {}
            : {
                'content-type': patch === undefined ? 'application/json' : patchTypes[patch],
                'content-length': Buffer.byteLength(text),
              }),
        },
      });
      request.once('response', resolve);
      request.once('timeout', () =>
        request.destroy(new Error(`${method} ${path}: no answer in ${timeoutMs} ms`)),
      );
      request.once('error', reject);
      request.end(text);
    });
  }
}
