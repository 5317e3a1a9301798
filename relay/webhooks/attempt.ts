/** One attempt to tell a receiver of an event, signed at its own time. */
import type { relayApi } from '@migosmtp/operator/api';
import { describeCause } from '../errors.ts';
import type { ClaimedEvent } from '../spool/index.ts';
import { isAllowedUrl, post } from './post.ts';
import { type Verdict, verdictOf } from './retry.ts';
import { signature } from './signature.ts';

export interface Attempt {
  readonly verdict: Verdict;
  /** For the log. */
  readonly cause: string;
}

export async function attempt(webhook: relayApi.Webhook, { id, body }: ClaimedEvent): Promise<Attempt> {
  if (!isAllowedUrl(webhook.url)) return { verdict: 'failed', cause: 'its url is not allowed' };
  const timestampS = Math.floor(Date.now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'MigoSMTP-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': signature(webhook.secret, { id, timestampS, body }),
  };
  try {
    const status = await post({ url: webhook.url, headers, body, caPem: webhook.caPem });
    return { verdict: verdictOf(status), cause: `status ${status}` };
  } catch (error) {
    return { verdict: 'failed', cause: describeCause(error) };
  }
}
