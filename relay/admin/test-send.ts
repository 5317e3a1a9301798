/** A message that an operator sends for an account, to see whether its mail arrives. */
import type { relayApi } from '@migosmtp/operator/api';
import type { Directory } from '../policy/index.ts';
import { SmtpError } from '../session/replies.ts';
import type { Submission } from '../session/submission.ts';
import { ApiError } from './routes.ts';

export interface TestSendSources {
  readonly directory: Directory;
  readonly submission: Pick<Submission, 'submitFor'>;
  /** Whether all shards are known, so that the account's rules are. */
  readonly isComplete: () => boolean;
}

export async function sendTest(
  { directory, submission, isComplete }: TestSendSources,
  request: relayApi.TestSendRequest,
): Promise<relayApi.TestSendResponse> {
  const { namespace, account: name, from, to } = request;
  if (!isComplete())
    throw new ApiError(503, 'Incomplete', 'shards are missing, try again when the relay is ready');
  const account = [...directory.accounts()].find(
    (entry) => entry.namespace === namespace && entry.name === name,
  );
  if (!account) throw new ApiError(404, 'NotFound', 'no such account in this namespace');
  if (account.suspended) throw new ApiError(409, 'Suspended', 'the account is suspended');
  try {
    return await submission.submitFor(account, { from, to, data: messageOf(request) });
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error;
    const { code, enhanced, text } = error.reply;
    throw new ApiError(code < 500 ? 503 : 422, 'Refused', `${code} ${enhanced} ${text}`);
  }
}

function messageOf({ from, to, subject }: relayApi.TestSendRequest): Buffer {
  const lines = [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${/[^ -~]/.test(subject) ? encodedWords(subject) : subject}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This message was sent through the relay to see whether mail of this account arrives.',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** RFC 2047: at most 75 characters each, none within a character. */
function encodedWords(text: string): string {
  const words = Array.from(text).reduce<string[]>((found, char) => {
    const last = found.at(-1);
    if (last === undefined || Buffer.byteLength(last + char) > 45) return [...found, char];
    return [...found.slice(0, -1), last + char];
  }, []);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}
