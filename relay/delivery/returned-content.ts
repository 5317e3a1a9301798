/** What a notification brings back of the message: its header, or all of it where that was asked for. */
import { quotedPrintable } from '../message/index.ts';
import type { ClaimedMessage } from '../spool/index.ts';
import type { Content } from './target.ts';

export interface Original {
  readonly kind: 'header' | 'message';
  readonly bytes: Buffer;
}

/** Above it only the header comes back, whatever RET says: a bounce shall not carry 25 MB to a full mailbox. */
const MAX_RETURNED = 256 * 1024;

export async function readOriginal(
  message: ClaimedMessage,
  content: Content,
  failed: boolean,
): Promise<Original> {
  const full = failed && message.dsn?.ret === 'FULL' && message.size <= MAX_RETURNED;
  const bytes = await readStart(content, full ? message.size : message.headerSize);
  return { kind: full ? 'message' : 'header', bytes };
}

async function readStart(content: Content, size: number): Promise<Buffer> {
  if (content.kind === 'inline') return Buffer.from(content.data.subarray(0, size));
  const parts: Uint8Array[] = [];
  for await (const part of content.read({ end: size })) parts.push(part);
  return Buffer.concat(parts);
}

/** The last part of the report, its header included; 7-bit whatever the message was (RFC 6522, RFC 6532). */
export function returnedPart({ kind, bytes }: Original): string {
  const isAscii = !bytes.some((byte) => byte > 0x7f);
  const text = bytes.toString('latin1').trimEnd();
  if (kind === 'message' && isAscii) return `Content-Type: message/rfc822\r\n\r\n${text}`;
  if (kind === 'message') {
    return `Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrapped(bytes)}`;
  }
  if (isAscii) return `Content-Type: text/rfc822-headers\r\n\r\n${text}`;
  return (
    'Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' +
    text.split('\r\n').map(quotedPrintable).join('\r\n')
  );
}

function wrapped(bytes: Buffer): string {
  return bytes.toString('base64').replace(/(.{76})(?=.)/g, '$1\r\n');
}
