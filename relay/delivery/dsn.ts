/** The bounce that tells a sender what could not be delivered (RFC 3464). Pure. */
import { formatDate } from '../message/index.ts';
import { oneLine } from '../errors.ts';
import type { MessageMeta, NewMessage } from '../spool/index.ts';

export interface FailedRecipient {
  readonly address: string;
  readonly response: string;
  readonly remoteHost: string | null;
}

export interface Bounce {
  readonly message: MessageMeta;
  readonly failed: readonly FailedRecipient[];
  /** Latin1 header of the message that failed. */
  readonly header: string;
  readonly hostname: string;
  readonly queueId: string;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** A message from the null sender, so that it can never be answered by another bounce. */
export function bounceMessage(bounce: Bounce): NewMessage {
  const { message, queueId, hostname, nowMs } = bounce;
  const messageId = `<${queueId}@${hostname}>`;
  const header = bounceHeader(bounce, messageId);
  const data = Buffer.from(`${header}\r\n${bounceBody(bounce)}`, 'latin1');
  return {
    queueId,
    messageId,
    kind: 'dsn',
    accountId: message.accountId,
    namespace: message.namespace,
    account: message.account,
    username: message.username,
    verifier: message.verifier,
    envelopeFrom: '',
    signingDomain: '',
    headerSize: header.length + 2,
    size: data.length,
    eightBit: data.some((byte) => byte > 0x7f),
    smtpUtf8: false,
    acceptedAt: nowMs,
    recipients: [message.envelopeFrom],
    body: { kind: 'inline', data },
    lifetimeMs: bounce.lifetimeMs,
  };
}

function bounceHeader({ message, hostname, queueId, nowMs }: Bounce, messageId: string): string {
  return lines([
    `Date: ${formatDate(new Date(nowMs))}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${latin1(message.envelopeFrom)}>`,
    `Subject: Undelivered mail`,
    `Message-ID: ${messageId}`,
    `In-Reply-To: ${latin1(message.messageId)}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary(queueId)}"`,
  ]);
}

function bounceBody({ message, failed, header, hostname, queueId, nowMs }: Bounce): string {
  const mark = boundary(queueId);
  const arrival = formatDate(new Date(message.acceptedAt));
  return lines([
    `--${mark}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `This is the mail system at ${hostname}.`,
    '',
    'Your message could not be delivered to:',
    '',
    ...failed.map(({ address, response }) => `<${latin1(address)}>: ${latin1(response)}`),
    '',
    `--${mark}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${hostname}`,
    `X-MigoSMTP-Queue-ID: ${message.queueId}`,
    `Arrival-Date: ${arrival}`,
    ...failed.flatMap((recipient) => ['', ...recipientFields(recipient, nowMs)]),
    '',
    `--${mark}`,
    'Content-Type: text/rfc822-headers',
    '',
    header.trimEnd(),
    '',
    `--${mark}--`,
  ]);
}

function recipientFields({ address, response, remoteHost }: FailedRecipient, nowMs: number): string[] {
  const fields = [
    `Final-Recipient: rfc822; ${latin1(address)}`,
    'Action: failed',
    `Status: ${statusOf(response)}`,
    `Diagnostic-Code: smtp; ${latin1(response)}`,
    `Last-Attempt-Date: ${formatDate(new Date(nowMs))}`,
  ];
  if (remoteHost) fields.splice(3, 0, `Remote-MTA: dns; ${latin1(remoteHost)}`);
  return fields;
}

/** The reply's own enhanced code where it has one. */
function statusOf(response: string): string {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1] ?? '5.0.0';
}

function boundary(queueId: string): string {
  return `=_${queueId}`;
}

/** One line in UTF-8 bytes, written as latin1 like everything here. */
function latin1(text: string): string {
  return Buffer.from(oneLine(text), 'utf8').toString('latin1');
}

function lines(list: readonly string[]): string {
  return `${list.join('\r\n')}\r\n`;
}
