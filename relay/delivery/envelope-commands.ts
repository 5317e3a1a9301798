/** MAIL and RCPT with the parameters that the next hop offers (RFC 1870, 3461, 6152, 6531). Pure. */
import type { OutgoingMessage } from './target.ts';

export interface EnvelopeCommands {
  /** Each with its line end. */
  readonly mail: string;
  readonly recipients: readonly string[];
}

export function envelopeCommands(message: OutgoingMessage, offers: readonly string[]): EnvelopeCommands {
  const { from, recipients, size, prefix, eightBit } = message;
  const dsn = offers.includes('DSN') ? message.dsn : undefined;
  const mail = [
    `MAIL FROM:<${from}>`,
    ...(offers.includes('SMTPUTF8') && [from, ...recipients].some(isInternational) ? ['SMTPUTF8'] : []),
    ...(eightBit && offers.includes('8BITMIME') ? ['BODY=8BITMIME'] : []),
    ...(offers.includes('SIZE') ? [`SIZE=${size + prefix.length}`] : []),
    ...(dsn?.ret ? [`RET=${dsn.ret}`] : []),
    ...(dsn?.envid ? [`ENVID=${xtext(dsn.envid)}`] : []),
  ];
  const asked = [
    ...(dsn?.notify ? [` NOTIFY=${dsn.notify.join(',')}`] : []),
    ...(dsn?.orcpt ? [` ORCPT=${xtext(typed(dsn.orcpt))}`] : []),
  ].join('');
  return {
    mail: `${mail.join(' ')}\r\n`,
    recipients: recipients.map((address) => `RCPT TO:<${address}>${asked}\r\n`),
  };
}

export function isInternational(address: string): boolean {
  return /[^ -~]/.test(address);
}

/** The address type is not encoded away: `;` is an xtext character. */
function typed(orcpt: string): string {
  return orcpt.includes(';') ? orcpt : `rfc822;${orcpt}`;
}

/** RFC 3461 section 4. */
function xtext(value: string): string {
  return [...Buffer.from(value)]
    .map((byte) =>
      byte < 0x21 || byte > 0x7e || byte === 0x2b || byte === 0x3d
        ? `+${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
}
