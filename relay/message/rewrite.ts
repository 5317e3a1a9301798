/** The only changes made to a message: Received on top, Bcc out, Message-ID, Date and Return-Path put right. */
import { isIPv6 } from 'node:net';
import { type HeaderField, unfold } from './header.ts';

export interface TraceInfo {
  readonly queueId: string;
  readonly hostname: string;
  readonly clientName: string;
  readonly clientAddress: string;
  /** e.g. `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384`. */
  readonly tls: string;
  readonly acceptedAt: Date;
}

export interface Rewritten {
  /** Latin1, each line with CRLF, without the empty line that ends the header. */
  readonly text: string;
  /** With angle brackets, as the reports name it. */
  readonly messageId: string;
}

export function rewriteHeader(fields: readonly HeaderField[], trace: TraceInfo): Rewritten {
  const given = fields.find((field) => field.name === 'message-id');
  // Kept when it is an id at all: retries and threads depend on the submitter's own.
  const givenId = given && /^<[^<>\s]{1,240}>$/.exec(unfold(given))?.[0];
  const messageId = givenId ?? `<${trace.queueId}@${trace.hostname}>`;
  const dropped = new Set(['bcc', 'resent-bcc', 'return-path']);
  if (!givenId) dropped.add('message-id');
  const added = [received(trace)];
  if (!givenId) added.push(`Message-ID: ${messageId}\r\n`);
  if (!fields.some((field) => field.name === 'date')) added.push(`Date: ${formatDate(trace.acceptedAt)}\r\n`);
  const kept = fields.filter((field) => !dropped.has(field.name)).map((field) => field.raw);
  return { text: added.join('') + kept.join(''), messageId };
}

/** RFC 5321 section 4.4. The client's own words are reduced to harmless characters. */
function received(trace: TraceInfo): string {
  const name = trace.clientName.replace(/[^\w.:[\]-]/g, '?').slice(0, 128) || 'unknown';
  const address = isIPv6(trace.clientAddress) ? `IPv6:${trace.clientAddress}` : trace.clientAddress;
  return (
    `Received: from ${name} ([${address}])\r\n` +
    `\t(using ${trace.tls})\r\n` +
    `\tby ${trace.hostname} with ESMTPSA id ${trace.queueId};\r\n` +
    `\t${formatDate(trace.acceptedAt)}\r\n`
  );
}

/** The second that was last asked for: messages come many a second. */
let formatted = { second: NaN, text: '' };

/** RFC 5322 section 3.3, in UTC. */
export function formatDate(date: Date): string {
  const second = Math.floor(date.getTime() / 1_000);
  if (formatted.second !== second) {
    formatted = { second, text: date.toUTCString().replace('GMT', '+0000') };
  }
  return formatted.text;
}
