/** One attempt for some recipients of a message over the next hops of their route. */
import type { ClaimedMessage, ClaimedRecipient, RecipientOutcome } from '../spool/index.ts';
import { deferred, type Moment, outcomeOf } from './outcome.ts';
import type { Pool } from './pool.ts';
import type { Route } from './route.ts';
import {
  type Content,
  type OutgoingMessage,
  type SendResult,
  TargetDown,
  type TransactionDsn,
  type WholeContent,
} from './target.ts';

export interface Attempt {
  readonly message: ClaimedMessage;
  /** Envelope sender of this transaction. */
  readonly from: string;
  readonly dsn: TransactionDsn | undefined;
  readonly recipients: readonly ClaimedRecipient[];
  readonly content: Content;
  readonly prefix: string;
  /** For a next hop that takes 7-bit content only; undefined where the message cannot be that. */
  readonly sevenBit: () => Promise<SignedContent | undefined>;
}

export interface SignedContent {
  readonly content: WholeContent;
  readonly size: number;
  readonly prefix: string;
}

export interface AttemptResult {
  readonly outcomes: readonly RecipientOutcome[];
  /** The connection ended after the data was begun: it may have arrived, and will be sent again. */
  readonly unknown: boolean;
  /** The next hop has taken the request for notifications over. */
  readonly dsnPassed: boolean;
}

export async function attempt(work: Attempt, route: Route, moment: () => Moment): Promise<AttemptResult> {
  if (route.kind === 'refused') {
    const reply = { code: route.code, text: route.text, remoteHost: null };
    return known(work.recipients.map((recipient) => outcomeOf(recipient, reply, moment())));
  }
  let down: TargetDown | undefined;
  let retryAt = Infinity;
  for (const pool of route.pools) {
    const sent = await send(pool, work);
    if (sent.kind !== 'down') return settle(work.recipients, sent, moment);
    // One host that may recover is enough to try again.
    if (!down || down.permanent) down = sent.error;
    const { nowMs } = moment();
    retryAt = Math.min(retryAt, pool.blockedUntil(nowMs) || nowMs);
  }
  return known(work.recipients.map((recipient) => whenDown(recipient, down, { ...moment(), retryAt })));
}

type Sent = SendResult | { readonly kind: 'down'; readonly error: TargetDown };

async function send(pool: Pool, work: Attempt): Promise<Sent> {
  try {
    const first = await sendOnce(pool, work, false);
    // An idle connection that the other side had given up: not the message's fault, and nothing was sent.
    if (first.reused && first.result.kind === 'lost' && !first.result.unknown) {
      return (await sendOnce(pool, work, true)).result;
    }
    return first.result;
  } catch (error) {
    if (error instanceof TargetDown) return { kind: 'down', error };
    throw error;
  }
}

async function sendOnce(pool: Pool, work: Attempt, fresh: boolean) {
  const { connection, reused } = await pool.acquire(fresh);
  try {
    const message = outgoing(work);
    const mustConvert = message.eightBit && !connection.takesEightBit;
    const converted = mustConvert ? await work.sevenBit() : undefined;
    const fitting = converted ? { ...message, ...converted, eightBit: false } : message;
    return { result: await connection.send(fitting), reused };
  } finally {
    pool.release(connection);
  }
}

function outgoing({ message, from, dsn, recipients, content, prefix }: Attempt): OutgoingMessage {
  return {
    from,
    ...(dsn && { dsn }),
    recipients: recipients.map((recipient) => recipient.address),
    size: message.size,
    eightBit: message.eightBit,
    prefix,
    content,
  };
}

function settle(
  recipients: readonly ClaimedRecipient[],
  result: SendResult,
  moment: () => Moment,
): AttemptResult {
  const { remoteHost } = result;
  if (result.kind === 'lost') {
    const reply = { code: 0, text: `connection lost: ${result.cause}`, remoteHost };
    const outcomes = recipients.map((recipient) => outcomeOf(recipient, reply, moment()));
    return { outcomes, unknown: result.unknown, dsnPassed: false };
  }
  const byAddress = new Map(result.replies.map((reply) => [reply.address, reply]));
  const outcomes = recipients.map((recipient) => {
    const reply = byAddress.get(recipient.address) ?? { code: 0, text: 'no reply' };
    return outcomeOf(recipient, { ...reply, remoteHost }, moment());
  });
  return { outcomes, unknown: false, dsnPassed: result.dsnPassed };
}

function whenDown(
  recipient: ClaimedRecipient,
  down: TargetDown | undefined,
  moment: Moment & { retryAt: number },
): RecipientOutcome {
  const response = down?.message ?? 'no next hop';
  const base = { id: recipient.id, response, remoteHost: null, attempted: down?.attempted ?? true };
  if (down?.permanent) return { ...base, status: 'bounced', response: `550 5.4.4 ${response}` };
  const delayMs = Number.isFinite(moment.retryAt) ? Math.max(0, moment.retryAt - moment.nowMs) : 60_000;
  return deferred(recipient, base, { ...moment, delayMs });
}

function known(outcomes: readonly RecipientOutcome[]): AttemptResult {
  return { outcomes, unknown: false, dsnPassed: false };
}
