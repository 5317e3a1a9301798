/** The admin API's routes as a table: method, path, what they take and answer. The OpenAPI document reads it too. */
import { relayApi } from '@migosmtp/operator/api';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { oneLine } from '../errors.ts';
import type { ReportFilter, Spool } from '../spool/index.ts';
import type { ReportTail } from './tail.ts';

export interface AdminContext {
  readonly spool: Spool;
  /** Undefined where policy stands in the process file: nothing is pushed then. */
  push: ((shards: relayApi.PushRequest['shards']) => Promise<Record<string, number>>) | undefined;
  state(): Promise<relayApi.RelayState>;
  usage(query: {
    namespace?: string | undefined;
    account?: string | undefined;
  }): Promise<relayApi.UsageResponse>;
  readonly queueChanged: () => void;
  readonly tail: ReportTail;
  sendTest(request: relayApi.TestSendRequest): Promise<relayApi.TestSendResponse>;
}

export interface Call {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Segments in braces are parameters. */
  readonly path: string;
  readonly summary: string;
  readonly query?: readonly string[];
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** Answers by itself, and goes on answering; `response` is then the form of one line. */
  readonly stream?: (context: AdminContext, call: Call, response: ServerResponse) => void;
  handle(context: AdminContext, call: Call): Promise<unknown>;
}

/** A failure with a status; anything else thrown is a 500. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const REPORT_QUERY = [
  'namespace',
  'account',
  'queueId',
  'messageId',
  'recipient',
  'status',
  'limit',
  'cursor',
];
const done = z.object({ ok: z.literal(true) });

export const ROUTES: readonly Route[] = [
  {
    method: 'PUT',
    path: '/v1/shards',
    summary: 'Takes shard documents; answers once they are durable and in force.',
    body: relayApi.pushRequestSchema,
    response: relayApi.pushResponseSchema,
    async handle({ push }, { body }) {
      if (!push)
        throw new ApiError(409, 'PolicyInline', 'policy stands in the process file; nothing can be pushed');
      const { shards } = body as relayApi.PushRequest;
      return { applied: await push(shards) } satisfies relayApi.PushResponse;
    },
  },
  {
    method: 'GET',
    path: '/v1/state',
    summary: 'Readiness, shard revisions in force, queue.',
    response: relayApi.relayStateSchema,
    handle: (context) => context.state(),
  },
  {
    method: 'GET',
    path: '/v1/usage',
    summary: 'Quota and use by account and workspace.',
    query: ['namespace', 'account'],
    response: relayApi.usageResponseSchema,
    handle: (context, { query }) => context.usage({ namespace: query.namespace, account: query.account }),
  },
  {
    method: 'GET',
    path: '/v1/reports',
    summary: 'Delivery reports, newest first.',
    query: REPORT_QUERY,
    response: relayApi.reportPageSchema,
    handle: ({ spool }, { query }) => spool.reports(reportFilter(query)),
  },
  {
    method: 'GET',
    path: '/v1/reports/tail',
    summary:
      'Changes of reports as this process makes them, one JSON object a line, until the client hangs up. Empty lines are heartbeats.',
    query: ['namespace', 'account', 'queueId', 'recipient', 'status'],
    response: relayApi.deliveryReportSchema,
    stream({ tail }, { query }, response) {
      const { namespace, account, queueId, recipient, status } = reportFilter(query);
      if (tail.listen(response, { namespace, account, queueId, recipient, status })) return;
      throw new ApiError(503, 'TooManyListeners', 'too many listen already, try again later');
    },
    handle: () => Promise.reject(new Error('a stream has no single answer')),
  },
  {
    method: 'GET',
    path: '/v1/queue',
    summary: 'Recipients that are queued, deferred or held, newest first.',
    query: ['namespace', 'limit', 'cursor'],
    response: relayApi.queuePageSchema,
    handle: ({ spool }, { query }) => spool.reports({ ...reportFilter(query), queuedOnly: true }),
  },
  {
    method: 'POST',
    path: '/v1/queue/{queueId}/retry',
    summary: 'Makes a waiting message due now.',
    response: done,
    handle: ({ spool, queueChanged }, { params }) =>
      change(spool.retry(params.queueId ?? '', Date.now()), queueChanged),
  },
  {
    method: 'DELETE',
    path: '/v1/queue/{queueId}',
    summary: 'Cancels what is not delivered yet.',
    response: done,
    handle: ({ spool, queueChanged }, { params }) =>
      change(spool.cancel(params.queueId ?? '', Date.now()), queueChanged),
  },
  {
    method: 'GET',
    path: '/v1/suppressions',
    summary: 'Recipients that mail of a workspace is not tried for, newest first.',
    query: ['namespace', 'recipient', 'limit', 'cursor'],
    response: relayApi.suppressionPageSchema,
    handle: ({ spool }, { query }) => {
      const { namespace, recipient, limit, cursor } = reportFilter(query);
      return spool.suppressions({ namespace, recipient, limit, cursor });
    },
  },
  {
    method: 'PUT',
    path: '/v1/suppressions',
    summary: 'Puts a recipient on the list of a workspace.',
    body: relayApi.suppressionRequestSchema,
    response: done,
    async handle({ spool }, { body }) {
      const { namespace, recipient, reason } = body as relayApi.SuppressionRequest;
      await spool.suppress([
        { namespace, recipient, reason: oneLine(reason), queueId: null, at: Date.now() },
      ]);
      return { ok: true };
    },
  },
  {
    method: 'DELETE',
    path: '/v1/suppressions',
    summary: 'Takes a recipient off the list of a workspace; later mail is tried again.',
    query: ['namespace', 'recipient'],
    response: done,
    async handle({ spool }, { query: { namespace, recipient } }) {
      if (!namespace || !recipient)
        throw new ApiError(400, 'Invalid', 'namespace and recipient must be given');
      if (!(await spool.unsuppress(namespace, recipient)))
        throw new ApiError(404, 'NotFound', 'the recipient is not on the list of this workspace');
      return { ok: true };
    },
  },
  {
    method: 'POST',
    path: '/v1/tests',
    summary:
      'Accepts a small message of an account, under its rules and charged to its limits; reports say how it ends.',
    body: relayApi.testSendRequestSchema,
    response: relayApi.testSendResponseSchema,
    handle: (context, { body }) => context.sendTest(body as relayApi.TestSendRequest),
  },
];

async function change(changed: Promise<boolean>, queueChanged: () => void): Promise<{ ok: true }> {
  if (!(await changed)) throw new ApiError(404, 'NotFound', 'no waiting message has this queue id');
  queueChanged();
  return { ok: true };
}

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;

function reportFilter(query: Readonly<Record<string, string>>): ReportFilter {
  const limit = Number(query.limit ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1)
    throw new ApiError(400, 'Invalid', 'limit must be a positive integer');
  if (query.cursor !== undefined && !/^\d{1,15}$/.test(query.cursor)) {
    throw new ApiError(400, 'Invalid', 'cursor must be one that a page named');
  }
  const status = relayApi.deliveryStatusSchema.optional().safeParse(query.status);
  if (!status.success) throw new ApiError(400, 'Invalid', 'status is not one of the delivery states');
  return {
    namespace: query.namespace,
    account: query.account,
    queueId: query.queueId,
    messageId: query.messageId,
    recipient: query.recipient,
    status: status.data,
    limit: Math.min(limit, MAX_LIMIT),
    cursor: query.cursor,
  };
}
