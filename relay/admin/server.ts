/** The admin listener: HTTPS, and only for clients with a certificate of the client CA. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { relayApi } from '@migosmtp/operator/api';
import { CertificateFiles } from '../certificate.ts';
import { describeCause, RelayError } from '../errors.ts';
import { watchFiles } from '../files.ts';
import type { Log } from '../log.ts';
import { openApiDocument } from './openapi.ts';
import { type AdminContext, ApiError, type Route, ROUTES } from './routes.ts';

export interface AdminServer {
  readonly port: number;
  close(): void;
}

type AdminConfig = NonNullable<relayApi.RelayProcessConfig['admin']>;

/** 32 shards of some hundred accounts each stay far below. */
const MAX_BODY = 32 * 1024 * 1024;

export async function startAdmin(config: AdminConfig, context: AdminContext, log: Log): Promise<AdminServer> {
  const certificate = await CertificateFiles.load(config, log);
  const clientCa = await readClientCa(config.clientCaFile);
  const server = createServer(tlsOptions(certificate, clientCa), (request, response) => {
    handle(context, request, response).catch((error: unknown) => fail(response, error, log));
  });
  server.requestTimeout = 30_000;
  const reload = async () =>
    server.setSecureContext(tlsOptions(certificate, await readClientCa(config.clientCaFile)));
  const reloadLogged = () =>
    void reload().catch((error: unknown) =>
      log.error({ cause: describeCause(error) }, 'admin TLS not reloaded'),
    );
  certificate.onChange(reloadLogged);
  const unwatch = watchFiles([config.clientCaFile], reloadLogged);
  await listen(server, config);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : config.port,
    close: () => {
      certificate.stop();
      unwatch();
      server.close();
      server.closeAllConnections();
    },
  };
}

function tlsOptions(certificate: CertificateFiles, ca: string) {
  return {
    ...certificate.current,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
  };
}

async function readClientCa(file: string): Promise<string> {
  try {
    const ca = await readFile(file, 'utf8');
    // An empty file would leave Node's own roots in force: then anybody's certificate would do.
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no PEM certificate in it');
    createSecureContext({ ca });
    return ca;
  } catch (cause) {
    throw new RelayError('R_CLIENT_CA_UNUSABLE', { file }, cause);
  }
}

async function listen(server: Server, { address, port }: AdminConfig): Promise<void> {
  try {
    server.listen(port, address);
    await once(server, 'listening');
  } catch (cause) {
    throw new RelayError('R_LISTEN', { address, port, purpose: 'the admin API' }, cause);
  }
}

async function handle(
  context: AdminContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://relay');
  if (request.method === 'GET' && url.pathname === '/openapi.json')
    return send(response, 200, openApiDocument());
  const found = match(request.method ?? '', url.pathname);
  if (!found) throw new ApiError(404, 'NotFound', 'no such resource');
  const body = found.route.body ? await readBody(request, found.route.body) : undefined;
  const query = Object.fromEntries(url.searchParams);
  const { stream } = found.route;
  if (stream) return stream(context, { params: found.params, query, body }, response);
  const result = await found.route.handle(context, { params: found.params, query, body });
  send(response, 200, JSON.stringify(result));
}

function match(method: string, path: string): { route: Route; params: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    if (route.method !== method) continue;
    const pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const groups = pattern.exec(path);
    if (groups) return { route, params: { ...groups.groups } };
  }
  return undefined;
}

async function readBody(request: IncomingMessage, schema: NonNullable<Route['body']>): Promise<unknown> {
  // As text at once: one large buffer, once freed, makes the C library keep more freed memory for good.
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ApiError(413, 'TooLarge', `the request is larger than ${MAX_BODY} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  const parsed = schema.safeParse(parseJson(text + decoder.decode()));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  // Path and rule only: a value may be a key.
  throw new ApiError(
    400,
    'Invalid',
    `${issue?.path.map(String).join('.') || '(root)'}: ${issue?.code ?? 'invalid'}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'Invalid', 'the request is not JSON');
  }
}

function fail(response: ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (!(error instanceof ApiError)) log.error({ cause: describeCause(error) }, 'admin request failed');
  const { status, code, message } =
    error instanceof ApiError
      ? error
      : { status: 500, code: 'Internal', message: 'the request could not be served' };
  send(response, status, JSON.stringify({ error: { code, message } }));
}

function send(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body);
}
