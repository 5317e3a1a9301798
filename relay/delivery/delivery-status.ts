/** The machine-readable part of a notification (RFC 3464 section 2). Pure. */
import { statusOf } from '../bounces/hard.ts';
import { oneLine } from '../errors.ts';
import { formatDate } from '../message/index.ts';
import type { MessageMeta } from '../spool/index.ts';
import type { Notice } from './notices.ts';

export interface StatusReport {
  readonly message: MessageMeta;
  readonly notices: readonly Notice[];
  readonly hostname: string;
  readonly nowMs: number;
}

/** Lines without their ends; groups of fields are parted by empty ones. */
export function deliveryStatus({ message, notices, hostname, nowMs }: StatusReport): string[] {
  const envid = message.dsn?.envid;
  return [
    ...(envid ? [`Original-Envelope-Id: ${ascii(envid)}`] : []),
    `Reporting-MTA: dns; ${hostname}`,
    `X-MigoSMTP-Queue-ID: ${message.queueId}`,
    `Arrival-Date: ${formatDate(new Date(message.acceptedAt))}`,
    ...notices.flatMap((notice) => ['', ...recipientFields(message, notice, nowMs)]),
  ];
}

const NO_CODE = { failed: '5.0.0', delayed: '4.0.0', relayed: '2.0.0' };

function recipientFields(message: MessageMeta, notice: Notice, nowMs: number): string[] {
  const { recipient, action, outcome } = notice;
  const orcpt = message.dsn?.recipients[recipient.address]?.orcpt;
  const { response, remoteHost, attempted } = outcome;
  return [
    ...(orcpt ? [`Original-Recipient: ${ascii(orcpt)}`] : []),
    `Final-Recipient: ${typeOf(recipient.address)}; ${ascii(recipient.address)}`,
    `Action: ${action}`,
    `Status: ${statusFor(response, action)}`,
    ...(remoteHost ? [`Remote-MTA: dns; ${ascii(remoteHost)}`] : []),
    `Diagnostic-Code: smtp; ${ascii(response)}`,
    ...(attempted ? [`Last-Attempt-Date: ${formatDate(new Date(nowMs))}`] : []),
    ...(action === 'delayed' ? [`Will-Retry-Until: ${formatDate(new Date(recipient.expiresAt))}`] : []),
  ];
}

/** The reply's own enhanced code where it has one of the action's class. */
function statusFor(response: string, action: Notice['action']): string {
  const found = statusOf(response);
  return found?.[0] === NO_CODE[action][0] && found !== undefined ? found : NO_CODE[action];
}

/** RFC 6533 section 3: an address beyond ASCII has a type of its own. */
function typeOf(address: string): string {
  return /[^ -~]/.test(address) ? 'utf-8' : 'rfc822';
}

/** One line; what is beyond ASCII as `\x{20AC}` (RFC 6533 section 3, utf-8-addr-xtext). */
export function ascii(text: string): string {
  return oneLine(text).replace(
    /[^ -~]/gu,
    (char) => `\\x{${char.codePointAt(0)?.toString(16).toUpperCase()}}`,
  );
}
