/**
 * The relay's admin API (HTTPS, mutual TLS, JSON): what operator and relay say to each other.
 *
 *   PUT  /v1/shards            PushRequest -> PushResponse; stored durably before the answer
 *   GET  /v1/state             -> RelayState
 *   GET  /v1/usage             ?namespace= &account= -> UsageResponse
 *   GET  /v1/reports           ?namespace= &account= &queueId= &messageId= &recipient= &status= &limit= &cursor= -> ReportPage
 *   GET  /v1/queue             ?namespace= &limit= &cursor= -> QueuePage
 *   POST /v1/queue/<queueId>/retry, DELETE /v1/queue/<queueId>
 *   GET  /v1/suppressions      ?namespace= &recipient= &limit= &cursor= -> SuppressionPage
 *   PUT  /v1/suppressions      SuppressionRequest; DELETE /v1/suppressions ?namespace= &recipient=
 *   POST /v1/tests             TestSendRequest -> TestSendResponse
 *   GET  /openapi.json
 *
 * Errors are `{error: {code, message}}` with a 4xx or 5xx status.
 */
import { z } from 'zod';
import { shardSchema } from './shard.ts';

export const ADMIN_PORT = 8443;
export const HEALTH_PORT = 9090;
export const STARTTLS_PORT = 2587;
export const TLS_PORT = 2465;
/** DNS name in the admin server's certificate; the operator dials pod addresses and verifies this name. */
export const ADMIN_SERVER_NAME = 'relay-admin.migosmtp.internal';
/** EHLO name of the operator's login proof, which is not counted as a use of the password. */
export const PROOF_EHLO_NAME = 'proof.migosmtp.internal';

export const pushRequestSchema = z.object({ shards: z.array(shardSchema).min(1) });

/** Revision held for each shard number (as string) after the push. A lower revision than held changes nothing. */
export const pushResponseSchema = z.object({ applied: z.record(z.string(), z.number().int()) });

export const relayStateSchema = z.object({
  version: z.string(),
  pod: z.string(),
  startedAt: z.string(),
  /** True when logins are answered: all shards known, store writable. */
  ready: z.boolean(),
  applied: z.record(z.string(), z.number().int()),
  missing: z.array(z.number().int()),
  queue: z.object({ queued: z.number().int(), held: z.number().int(), oldestSeconds: z.number() }),
});

const windowUsage = z.object({
  quota: z.number().int().nullable(),
  used: z.number().int(),
  since: z.string(),
});

export const accountUsageSchema = z.object({
  id: z.string(),
  namespace: z.string(),
  name: z.string(),
  username: z.string(),
  minute: windowUsage,
  hour: windowUsage,
  day: windowUsage,
  month: windowUsage,
  lastUsedAt: z.string().nullable(),
  /** Last successful login for each verifier id. */
  verifiers: z.array(z.object({ id: z.string(), lastUsedAt: z.string() })),
});

export const workspaceUsageSchema = z.object({
  namespace: z.string(),
  plan: z.string().nullable(),
  hour: windowUsage,
  day: windowUsage,
  month: windowUsage,
  held: z.number().int(),
});

export const usageResponseSchema = z.object({
  asOf: z.string(),
  accounts: z.array(accountUsageSchema),
  workspaces: z.array(workspaceUsageSchema),
});

export const deliveryStatusSchema = z.enum([
  'queued',
  'held',
  'deferred',
  'delivered',
  'bounced',
  'suppressed',
  'cancelled',
]);

/** One recipient of one accepted message. Times are RFC 3339 UTC. */
export const deliveryReportSchema = z.object({
  queueId: z.string(),
  messageId: z.string(),
  namespace: z.string(),
  account: z.string(),
  username: z.string(),
  /** Verifier with which the session had logged in. */
  verifier: z.string(),
  envelopeFrom: z.string(),
  recipient: z.string(),
  size: z.number().int(),
  status: deliveryStatusSchema,
  attempts: z.number().int(),
  /** The next hop's last reply, cleaned to one printable line. */
  response: z.string().nullable(),
  remoteHost: z.string().nullable(),
  acceptedAt: z.string(),
  updatedAt: z.string(),
  deliveredAt: z.string().nullable(),
});

export const reportPageSchema = z.object({
  items: z.array(deliveryReportSchema),
  next: z.string().nullable(),
});
export const queuePageSchema = reportPageSchema;

/** A recipient to which a workspace's mail is not tried any more. */
export const suppressionSchema = z.object({
  namespace: z.string(),
  /** Lower case: the list does not tell addresses apart by case. */
  recipient: z.string(),
  /** The reply that brought it here, or what was given when it was added by hand. */
  reason: z.string(),
  /** The message whose bounce it was; null where it was added by hand. */
  queueId: z.string().nullable(),
  at: z.string(),
});

export const suppressionPageSchema = z.object({
  items: z.array(suppressionSchema),
  next: z.string().nullable(),
});

export const suppressionRequestSchema = z.object({
  namespace: z.string().min(1).max(253),
  recipient: z
    .string()
    .max(320)
    .regex(/^[^\s@]+@[^\s@]+$/),
  reason: z.string().max(500).default('added by hand'),
});

/** An address as it may stand in a header and in a command. */
const address = z
  .string()
  .max(320)
  .regex(/^[^\s@<>]+@[^\s@<>]+$/);

/** A message of the account's own, under all of its rules and charged to its limits. */
export const testSendRequestSchema = z.object({
  namespace: z.string().min(1).max(253),
  account: z.string().min(1).max(253),
  from: address,
  to: address,
  subject: z
    .string()
    .max(200)
    .regex(/^\P{Cc}*$/u)
    .default('Test message'),
});

export const testSendResponseSchema = z.object({ queueId: z.string(), messageId: z.string() });

export type TestSendRequest = z.infer<typeof testSendRequestSchema>;
export type TestSendResponse = z.infer<typeof testSendResponseSchema>;
export type Suppression = z.infer<typeof suppressionSchema>;
export type SuppressionPage = z.infer<typeof suppressionPageSchema>;
export type SuppressionRequest = z.infer<typeof suppressionRequestSchema>;
export type PushRequest = z.infer<typeof pushRequestSchema>;
export type PushResponse = z.infer<typeof pushResponseSchema>;
export type RelayState = z.infer<typeof relayStateSchema>;
export type AccountUsage = z.infer<typeof accountUsageSchema>;
export type WorkspaceUsage = z.infer<typeof workspaceUsageSchema>;
export type UsageResponse = z.infer<typeof usageResponseSchema>;
export type DeliveryStatus = z.infer<typeof deliveryStatusSchema>;
export type DeliveryReport = z.infer<typeof deliveryReportSchema>;
export type ReportPage = z.infer<typeof reportPageSchema>;
