/** A mail server that sends bounces to a relay's bounce port. */
import { once } from 'node:events';
import { connect } from 'node:net';

const REPLY = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/;

/** Says EHLO and each line once the one before is answered; the replies to EHLO, to each line, and to the end of a message. */
export async function talkTo(port: number, ...lines: string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  const replies: string[] = [];
  const waiting = ['EHLO mx.example.com', ...lines, 'QUIT'];
  let buffer = '';
  socket.setTimeout(10_000, () => socket.destroy(new Error('no reply')));
  socket.on('data', (chunk: Buffer) => {
    buffer += chunk.toString();
    for (let match = REPLY.exec(buffer); match; match = REPLY.exec(buffer)) {
      buffer = buffer.slice(match[0].length);
      replies.push(match[0].trim());
      const line = waiting.shift();
      if (line !== undefined) socket.write(`${line}\r\n`);
    }
  });
  await once(socket, 'close');
  // Without the greeting and the answer to QUIT.
  return replies.slice(1, -1);
}

/** Sends a message, from the null sender unless told otherwise; answers the replies. */
export function sendBounce(
  port: number,
  { to, text = bounceReport('5.1.1'), from = '' }: { to: string; text?: string; from?: string },
): Promise<string[]> {
  return talkTo(port, `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA', `${text}\r\n.`);
}

/** A delivery status notification (RFC 3464) with this enhanced status code. */
export function bounceReport(
  status: string,
  action = 'failed',
  diagnostic = `550 ${status} user unknown`,
): string {
  return [
    'From: MAILER-DAEMON@mx.example.com',
    'To: <you>',
    'Subject: Undelivered Mail Returned to Sender',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.com',
    '',
    'Final-Recipient: rfc822; x@example.com',
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${diagnostic}`,
    '',
    '--b--',
  ].join('\r\n');
}
