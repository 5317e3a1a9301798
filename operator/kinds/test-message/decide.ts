/**
 * What to do about a test message. Pure.
 *
 * It is sent once: its Message-ID stands in status before the first attempt, and once it stands there the relay's
 * reports are asked before any other attempt. A second copy is possible only when a relay takes a mail, loses the
 * connection, and shows no report of it for LOOK_MS.
 */
import { condition, findCondition, timestampOf } from '../../runtime/index.ts';
import { messageIdOf } from './mail.ts';
import * as Reason from './reasons.ts';
import type { Case, Snapshot, TestDecision, Verdict } from './snapshot.ts';
import { close, LONGEST_WAIT_MS, stalledOf, statusWith, wait } from './verdicts.ts';

/** Attempts after which a refusal that was meant to pass counts as final; about five minutes. */
const MOST_ATTEMPTS = 10;
/** A mail whose fate is not known shows up in the reports within this, or was not taken. */
const LOOK_MS = 5000;

const RULES: [string, (given: Case) => Verdict | undefined][] = [
  ['Settled', settled],
  ['Followed', followed],
  ['InvalidSpec', invalidSpec],
  ['Accepted', accepted],
  ['Refused', refused],
  ['Unreported', unreported],
  ['AccountMissing', accountMissing],
  ['RelayUnavailable', relayUnavailable],
  ['SenderMissing', senderMissing],
  ['Waiting', waiting],
];

export function decide(snapshot: Snapshot, now: Date): TestDecision {
  const { message } = snapshot;
  if (message === undefined) return { rule: 'Gone', actions: [] };
  const given = { ...snapshot, message, now };
  for (const [rule, judge] of RULES) {
    const verdict = judge(given);
    if (verdict !== undefined) return { rule, ...verdict };
  }
  return { rule: 'Send', ...send(given) };
}

function settled(given: Case): Verdict | undefined {
  const { status } = given.message;
  if (status?.phase !== 'Delivered' && status?.phase !== 'Failed') return undefined;
  const kept = (status.conditions ?? []).map(({ type, status, reason, message }) =>
    condition(type, status, reason, message),
  );
  const drafts = kept.map((draft) => (draft.type === 'Stalled' ? stalledOf(given, draft) : draft));
  return { actions: [], status: statusWith(given, {}, drafts) };
}

/** The relay has a report: that is the truth, whoever sent the mail. */
function followed(given: Case): Verdict | undefined {
  const { lookup, nextHop } = given;
  if (lookup.kind !== 'found') return undefined;
  const { status, queueId, response, deliveredAt, remoteHost } = lookup.report;
  const facts = { queueId, ...(response === null ? {} : { response }) };
  const said = response === null ? '' : `: ${response}`;
  switch (status) {
    case 'delivered': {
      const hop =
        nextHop === 'smarthost' ? `the smarthost ${remoteHost ?? ''}` : (remoteHost ?? 'the next hop');
      const end = nextHop === 'smarthost' ? '; what it does with it is not known here' : '';
      const at = timestampOf(new Date(deliveredAt ?? given.now));
      const message = `accepted by ${hop.trim()}${said}${end}`;
      return close(given, 'Delivered', Reason.DELIVERED, message, { ...facts, deliveredAt: at });
    }
    case 'bounced':
      return close(given, 'Failed', Reason.BOUNCED, `not delivered${said}`, facts);
    case 'suppressed':
      return close(given, 'Failed', Reason.SUPPRESSED, `the recipient is suppressed${said}`, facts);
    case 'cancelled':
      return close(given, 'Failed', Reason.CANCELLED, 'removed from the queue', facts);
    case 'queued':
      return wait(given, 'Sent', Reason.SENT, 'the relay delivers it', facts);
    case 'held':
      return wait(given, 'Sent', Reason.HELD, `the relay holds it${said}`, facts);
    case 'deferred':
      return wait(given, 'Sent', Reason.DEFERRED, `put off, tried again${said}`, facts);
    default:
      return status satisfies never;
  }
}

function invalidSpec(given: Case): Verdict | undefined {
  const { problems } = given;
  if (problems.length === 0) return undefined;
  const message = problems.map((problem) => `${problem.field}: ${problem.message}`).join('; ');
  return close(given, 'Failed', Reason.INVALID, message);
}

function accepted(given: Case): Verdict | undefined {
  const outcome = given.attempt?.outcome;
  if (outcome?.kind !== 'accepted') return undefined;
  return wait(given, 'Sent', Reason.SENT, 'the relay delivers it', { response: outcome.response });
}

function refused(given: Case): Verdict | undefined {
  const { attempt } = given;
  if (attempt?.outcome.kind !== 'refused') return undefined;
  const { isPermanent, response } = attempt.outcome;
  if (!isPermanent && attempt.count < MOST_ATTEMPTS) return undefined;
  return close(given, 'Failed', Reason.REFUSED, `the relay refused it: ${response}`, { response });
}

/** Sent before, and the relay cannot be asked, or does not know of it although it said 250. */
function unreported(given: Case): Verdict | undefined {
  const { lookup, message } = given;
  const wasSent = message.status?.phase === 'Sent';
  if (lookup.kind === 'unavailable') {
    const phase = wasSent ? 'Sent' : 'Pending';
    return wait(
      given,
      phase,
      Reason.RELAY_UNAVAILABLE,
      'the reports of the relay cannot be read now: see the conditions of the SmtpRelay that the account names in status.relayRef',
    );
  }
  if (!wasSent) return undefined;
  return wait(
    given,
    'Sent',
    Reason.NO_REPORT,
    'the relay has no report of it: it may be older than its retention',
  );
}

function accountMissing(given: Case): Verdict | undefined {
  const { account, message } = given;
  const { name } = message.spec.accountRef;
  if (account === undefined) {
    return wait(given, 'Pending', Reason.NO_ACCOUNT, `there is no SmtpAccount ${name} in this namespace`);
  }
  const ready = findCondition(account.status?.conditions, 'Ready');
  if (ready?.status === 'True') return undefined;
  const message_ = `SmtpAccount ${name} is not Ready: ${ready?.message ?? 'it has no status yet'}`;
  return wait(given, 'Pending', Reason.ACCOUNT_NOT_READY, message_);
}

function relayUnavailable(given: Case): Verdict | undefined {
  if (given.relayHost !== undefined) return undefined;
  return wait(given, 'Pending', Reason.RELAY_UNAVAILABLE, "no pod of the account's relay is ready");
}

function senderMissing(given: Case): Verdict | undefined {
  if (given.from !== undefined) return undefined;
  const message = 'the account has no sender address: verify a domain, or name an address in spec.from';
  return wait(given, 'Pending', Reason.NO_SENDER, message);
}

/** After an attempt that came to nothing: later, and later each time. */
function waiting(given: Case): Verdict | undefined {
  const { attempt, now } = given;
  if (attempt === undefined) return undefined;
  const { outcome, at, count } = attempt;
  const pauseMs = outcome.kind === 'unknown' ? LOOK_MS : Math.min(500 * 2 ** count, LONGEST_WAIT_MS);
  const restMs = at.getTime() + pauseMs - now.getTime();
  if (restMs <= 0) return undefined;
  const why = 'response' in outcome ? outcome.response : outcome.detail;
  return { ...wait(given, 'Pending', Reason.RETRYING, `tried again soon: ${why}`), requeueAfterMs: restMs };
}

function send(given: Case): Verdict {
  const { message, relayHost, from } = given;
  const messageId = message.status?.messageId ?? messageIdOf(message.metadata.uid!, relayHost!);
  const { status } = wait(given, 'Pending', Reason.SENDING, 'it is being sent', { messageId });
  return { actions: [{ do: 'send', messageId, from: from! }], status, isStatusFirst: true };
}
