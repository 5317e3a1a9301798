/** The messages of a run: ordinary text mail, each with its own Message-ID and recipient. */
import type { SendJob } from './job.ts';

const RECIPIENTS = 1_000;
const LINE = 'The quick brown fox jumps over the lazy dog, and then it does so once more.\r\n';

export interface Prepared {
  /** MAIL, RCPT and DATA, to be written at once. */
  readonly commands: string;
  /** Header, body and the final dot. */
  readonly content: Buffer;
}

export function messageMaker(job: Pick<SendJob, 'from' | 'recipientDomain' | 'size'>): () => Prepared {
  const run = `${process.pid}.${Date.now().toString(36)}`;
  const body = Buffer.from(LINE.repeat(Math.ceil(job.size / LINE.length)));
  const date = new Date().toUTCString().replace('GMT', '+0000');
  let count = 0;
  return () => {
    const recipient = `user${count % RECIPIENTS}@${job.recipientDomain}`;
    const header = Buffer.from(
      `From: Shop <${job.from}>\r\nTo: <${recipient}>\r\nSubject: Order ${count}\r\nDate: ${date}\r\n` +
        `Message-ID: <${run}.${count++}@${job.from.replace(/.*@/, '')}>\r\nMIME-Version: 1.0\r\n` +
        'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n',
    );
    return {
      commands: `MAIL FROM:<${job.from}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`,
      content: Buffer.concat([header, upTo(body, job.size - header.length), END]),
    };
  };
}

/** Not cut between CR and LF: a bare CR is refused. */
function upTo(body: Buffer, size: number): Buffer {
  return body.subarray(0, Math.max(0, body[size - 1] === CR ? size - 1 : size));
}

const CR = 0x0d;

const END = Buffer.from('\r\n.\r\n');
