/** HTTPS for people and their tools: one request, one check of who asks, one answer. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { isKubeError } from '../kube/index.ts';
import type { KeyPair } from '../pki/index.ts';
import type { Log } from '../runtime/index.ts';
import { Failure } from './failure.ts';
import { readQuestion, type Question } from './question.ts';

export interface ReportsServerOptions {
  port: number;
  certificate: KeyPair;
  log: Log;
  /** Throws a Failure unless the bearer may read what the question is about. */
  admit: (authorization: string | undefined, question: Question) => Promise<void>;
  answer: (question: Question) => Promise<object>;
}

export async function startReportsServer(options: ReportsServerOptions): Promise<Server> {
  const { cert, key } = options.certificate;
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (request, response) => {
    void handle(options, request, response);
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.keepAliveTimeout = 30_000;
  server.maxConnections = 500;
  // Broken handshakes are the client's business.
  server.on('tlsClientError', () => undefined);
  server.listen(options.port);
  await once(server, 'listening');
  return server;
}

async function handle(
  options: ReportsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // Identity first: who may not read learns nothing of what there is.
    const question = readQuestion(request.method, request.url);
    await options.admit(request.headers.authorization, question);
    say(response, 200, await options.answer(question));
  } catch (error) {
    const failure = failureOf(error, options.log);
    const { status, code, message } = failure;
    if (status === 401) response.setHeader('www-authenticate', 'Bearer');
    if (status === 405) response.setHeader('allow', 'GET');
    say(response, status, { error: { code, message } });
  }
}

function failureOf(error: unknown, log: Log): Failure {
  if (error instanceof Failure) return error;
  if (isKubeError(error)) {
    log.info({ err: error }, 'a request for reports could not be checked');
    return new Failure(
      503,
      'ApiUnavailable',
      'the API server cannot be asked who may read this: try again later',
    );
  }
  log.error({ err: error }, 'a request for reports failed');
  return new Failure(500, 'Internal', 'this is a fault of the operator: see its log');
}

function say(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
    })
    .end(text);
}
