/** The test mail as it goes over the wire. Pure. */

export interface TestMail {
  messageId: string;
  from: string;
  to: string;
  subject: string;
  date: Date;
  /** `namespace/name` of the TestMessage and of its account. */
  sentBy: string;
  account: string;
}

/** One id for the life of the object: whatever happens, it is the same mail. */
export function messageIdOf(uid: string, host: string): string {
  return `<test.${uid}@${host}>`;
}

/** CRLF lines, without the final dot; lines that begin with a dot are doubled. */
export function wireText(mail: TestMail): string {
  const lines = [
    `From: ${mail.from}`,
    `To: ${mail.to}`,
    `Subject: ${encodedWords(mail.subject)}`,
    `Message-ID: ${mail.messageId}`,
    `Date: ${mail.date.toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    'Auto-Submitted: auto-generated',
    '',
    'This is a test message, sent with the login of an SMTP account.',
    '',
    `Account: ${mail.account}`,
    `Asked for by: TestMessage ${mail.sentBy}`,
  ];
  return lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('');
}

/** RFC 2047, in words of at most 75 characters; plain where it can be. */
export function encodedWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text;
  const words: string[] = [];
  let part = '';
  for (const character of text) {
    if (Buffer.byteLength(part + character) > 42) {
      words.push(part);
      part = '';
    }
    part += character;
  }
  words.push(part);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}
