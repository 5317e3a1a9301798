/** The notification that tells a sender what became of recipients (RFC 3464, RFC 6533). Pure; always 7-bit. */
import { formatDate } from '../message/index.ts';
import type { MessageMeta, NewMessage } from '../spool/index.ts';
import type { Notice } from './notices.ts';
import { ascii, deliveryStatus } from './delivery-status.ts';
import { type Original, returnedPart } from './returned-content.ts';

export interface Notification {
  readonly message: MessageMeta;
  readonly notices: readonly Notice[];
  readonly original: Original;
  readonly hostname: string;
  readonly queueId: string;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** A message from the null sender, so that it can never be answered by another notification. */
export function notificationMessage(notification: Notification): NewMessage {
  const { message, queueId, hostname, nowMs } = notification;
  const messageId = `<${queueId}@${hostname}>`;
  const header = headerOf(notification, messageId);
  const data = Buffer.from(`${header}\r\n${bodyOf(notification)}`, 'latin1');
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
    lifetimeMs: notification.lifetimeMs,
  };
}

const SUBJECTS = {
  failed: 'Undelivered mail',
  delayed: 'Delayed mail (still being tried)',
  relayed: 'Delivered mail',
};

const OPENINGS = {
  failed: 'Your message could not be delivered to:',
  delayed:
    'Your message has not been delivered yet to the following recipients. It is still being tried;\r\nthere is no need to send it again.',
  relayed: 'Your message was handed to a mail system that sends no further notice:',
};

const ACTIONS = ['failed', 'delayed', 'relayed'] as const;

function headerOf({ message, notices, hostname, queueId, nowMs }: Notification, messageId: string): string {
  const worst = ACTIONS.find((action) => notices.some((notice) => notice.action === action)) ?? 'failed';
  return lines([
    `Date: ${formatDate(new Date(nowMs))}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    // An address beyond ASCII goes out as it is: its mail needs SMTPUTF8 anyway.
    `To: <${Buffer.from(message.envelopeFrom, 'utf8').toString('latin1')}>`,
    `Subject: ${SUBJECTS[worst]}`,
    `Message-ID: ${messageId}`,
    `In-Reply-To: ${ascii(message.messageId)}`,
    `References: ${ascii(message.messageId)}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary(queueId)}"`,
  ]);
}

function bodyOf(notification: Notification): string {
  const mark = boundary(notification.queueId);
  return lines([
    `--${mark}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    ...explanation(notification),
    `--${mark}`,
    'Content-Type: message/delivery-status',
    '',
    ...deliveryStatus(notification),
    '',
    `--${mark}`,
    returnedPart(notification.original),
    '',
    `--${mark}--`,
  ]);
}

function explanation({ notices, hostname }: Notification): string[] {
  const text = [`This is the mail system at ${hostname}.`, ''];
  for (const action of ACTIONS) {
    const concerned = notices.filter((notice) => notice.action === action);
    if (concerned.length === 0) continue;
    const list = concerned.map(
      ({ recipient, outcome }) => `<${ascii(recipient.address)}>: ${ascii(outcome.response)}`,
    );
    text.push(OPENINGS[action], '', ...list, '');
  }
  return text;
}

function boundary(queueId: string): string {
  return `=_${queueId}`;
}

function lines(list: readonly string[]): string {
  return `${list.join('\r\n')}\r\n`;
}
