/** Rows of either store as values: columns are named alike in both; SQLite has 0 and 1 where PostgreSQL has booleans. */
import type { relayApi } from '@migosmtp/operator/api';
import type { DsnRequest, MessageMeta } from './types.ts';

export type Row = Record<string, unknown>;

/** Of a row of `messages`. */
export function toMeta(row: Row): MessageMeta {
  return {
    queueId: String(row.queue_id),
    messageId: String(row.message_id),
    kind: row.kind === 'dsn' ? 'dsn' : 'submission',
    accountId: String(row.account_id),
    namespace: String(row.namespace),
    account: String(row.account),
    username: String(row.username),
    verifier: String(row.verifier),
    envelopeFrom: String(row.envelope_from),
    signingDomain: String(row.signing_domain),
    headerSize: Number(row.header_size),
    size: Number(row.size),
    eightBit: Boolean(row.eight_bit),
    smtpUtf8: Boolean(row.smtp_utf8),
    ...(typeof row.dsn === 'string' && { dsn: JSON.parse(row.dsn) as DsnRequest }),
    acceptedAt: Number(row.accepted_at),
  };
}

/** Of recipients with their messages, newest first, one more than `limit` where there is a next page. */
export function toReportPage(rows: readonly Row[], limit: number): relayApi.ReportPage {
  return { items: rows.slice(0, limit).map(toReport), next: nextCursor(rows, limit, 'recipient') };
}

/** Of suppressions, newest first, one more than `limit` where there is a next page. */
export function toSuppressionPage(rows: readonly Row[], limit: number): relayApi.SuppressionPage {
  return { items: rows.slice(0, limit).map(toSuppression), next: nextCursor(rows, limit, 'id') };
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function toReport(row: Row): relayApi.DeliveryReport {
  return {
    queueId: String(row.queue_id),
    messageId: String(row.message_id),
    namespace: String(row.namespace),
    account: String(row.account),
    username: String(row.username),
    verifier: String(row.verifier),
    envelopeFrom: String(row.envelope_from),
    recipient: String(row.address),
    size: Number(row.size),
    status: String(row.status) as relayApi.DeliveryStatus,
    attempts: Number(row.attempts),
    response: textOrNull(row.response),
    remoteHost: textOrNull(row.remote_host),
    acceptedAt: iso(row.accepted_at),
    updatedAt: iso(row.updated_at),
    deliveredAt: row.delivered_at === null ? null : iso(row.delivered_at),
  };
}

function toSuppression(row: Row): relayApi.SuppressionPage['items'][number] {
  return {
    namespace: String(row.namespace),
    recipient: String(row.recipient),
    reason: String(row.reason),
    queueId: textOrNull(row.queue_id),
    at: iso(row.at),
  };
}

/** The last row of the page, for the next one to go on behind it. */
function nextCursor(rows: readonly Row[], limit: number, id: string): string | null {
  return rows.length > limit ? String(Number(rows[limit - 1]?.[id])) : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function iso(value: unknown): string {
  return new Date(Number(value)).toISOString();
}
